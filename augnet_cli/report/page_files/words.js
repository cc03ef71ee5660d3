// What the page says in words, and how it makes elements: text only ever becomes text.

const data = JSON.parse(document.getElementById("data").textContent);
const english = new Intl.NumberFormat("en");
const SVG = "http://www.w3.org/2000/svg";

const LEAST_CHANGE = 0.005; // share of a picture that is worth a word

const byId = (id) => document.getElementById(id);
const nameOf = (image) => image.shown ?? image.path;
const addressOf = (image) => data.folder + (image.href ?? image.path);
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

// The part of a shape that lies in a frame from (0, 0): each side of the frame cuts off what is beyond it.
function within(shape, { width, height }) {
  const inside = [([x]) => x, ([x]) => width - x, ([, y]) => y, ([, y]) => height - y];
  return inside.reduce((left, depth) => left.flatMap((to, place) => {
    const from = left.at(place - 1);
    const [before, after] = [depth(from), depth(to)];
    const part = before / (before - after);
    const crossing = [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])];
    return [...(before < 0 !== after < 0 ? [crossing] : []), ...(after < 0 ? [] : [to])];
  }), shape);
}

const areaOf = (shape) => Math.abs(shape.reduce((sum, [x, y], place) => {
  const [fromX, fromY] = shape.at(place - 1);
  return sum + (fromX * y - x * fromY) / 2;
}, 0));

// How much of its witness a copy covers, of its area; and how large the witness appears in the copy.
function geometry(pair) {
  const copy = data.images[pair.image];
  const witness = data.images[pair.witness];
  if (!pair.transform || !copy.width || !witness.width) return null;
  const [a, b, c, d, e, f] = pair.transform.matrix;
  const growth = Math.abs(a * e - b * d);
  const at = (x, y) => [a * x + b * y + c, d * x + e * y + f];
  const corners = [at(0, 0), at(copy.width, 0), at(copy.width, copy.height), at(0, copy.height)];
  return { corners, growth, share: areaOf(within(corners, witness)) / (witness.width * witness.height) };
}

function turnWords(degrees) {
  const size = Math.abs(degrees);
  const figure = Number(size.toFixed(size < 10 ? 1 : 0));
  return figure === 180 ? "180°" : `${figure}° ${degrees > 0 ? "left" : "right"}`;
}

// The words of a verdict, each with what the transform adds to it.
function verdictWords(pair) {
  const found = geometry(pair);
  return pair.verdict.map((word) => {
    if (word === "cropped" && found && found.share < 1) return `cropped to ${percent(found.share)}`;
    if (word === "resized" && found && found.growth > 0) return `resized to ${percent(1 / Math.sqrt(found.growth))}`;
    if (word === "rotated" && pair.transform) return `rotated ${turnWords(pair.transform.degrees)}`;
    // Blur and noise change no part more than the others.
    if (word === "edited" && pair.transform && pair.transform.changed >= LEAST_CHANGE) return `edited, ${percent(pair.transform.changed)} differs`;
    return plainWord(word);
  });
}

function plainWord(word) {
  if (word === "near") return "near, not verified";
  if (word === "unverified") return "not verified";
  return word.startsWith("identical-") ? word.replace("-", " ") : word;
}

// What a picture's caption says of its file.
function fileWords(image) {
  const pixels = image.width ? `${english.format(image.width)} × ${english.format(image.height)}` : "size unknown";
  return `${pixels}, ${image.bytes ? sizeWords(image.bytes) : "gone"}`;
}
