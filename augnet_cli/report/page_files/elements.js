// How every page reads its data and makes elements: text only ever becomes text.

const data = JSON.parse(document.getElementById("data").textContent);
const english = new Intl.NumberFormat("en");
const SVG = "http://www.w3.org/2000/svg";

const byId = (id) => document.getElementById(id);
const count = (number, noun) => `${english.format(number)} ${noun}${number === 1 ? "" : "s"}`;

function make(tag, properties = {}, ...children) {
  const element = document.createElement(tag);
  for (const [key, value] of Object.entries(properties)) {
    if (key === "class") element.className = value;
    else if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (value !== null && value !== false) element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null));
  return element;
}

function draw(tag, properties = {}, ...children) {
  const element = document.createElementNS(SVG, tag);
  for (const [key, value] of Object.entries(properties)) element.setAttribute(key, value);
  element.append(...children);
  return element;
}

// As in the text report: powers of 1000, two or three digits.
function sizeWords(bytes) {
  const units = ["bytes", "kB", "MB", "GB", "TB", "PB"];
  let size = bytes;
  let step = 0;
  while (Math.round(size) >= 1000 && step < units.length - 1) {
    size /= 1000;
    step += 1;
  }
  if (step === 0) return count(bytes, "byte");
  return `${size < 9.95 ? size.toFixed(1) : size.toFixed(0)} ${units[step]}`;
}

const percent = (share) => {
  const whole = Math.round(share * 100);
  return share > 0 && whole === 0 ? "under 1 %" : share < 1 && whole === 100 ? "over 99 %" : `${whole} %`;
};
