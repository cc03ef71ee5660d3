// Pointer, fingers and keys on the map, and the card of the image that is pointed at.

const HOVER = 14; // pixels within which an image is pointed at
const STILL = 4; // pixels a press may move and still be a click
const WHEEL = 0.0018; // of zoom for a pixel of the wheel
const PAN_STEP = 90; // pixels a key
const KEY_STEP = 10; // pixels that the next image must at least be away
const CARD = 224; // pixels, the longer side of its picture

const everyImage = new Grid(allImages);
const card = byId("card");
const fingers = new Map(); // pointers that are down: where each was last
let pressed = null; // where the press began, whether it moved
let cardAt = null; // pixels; null puts the card beside its image

function imageAt(px, py) {
  const picture = pictureAt(px, py);
  if (picture !== NONE) return picture;
  const reach = HOVER / view.scale;
  const near = everyImage.nearest(placeX(px), placeY(py), reach, (image) => strong[image]);
  return near !== NONE ? near : everyImage.nearest(placeX(px), placeY(py), reach);
}

const inMap = (event) => {
  const box = over.getBoundingClientRect();
  return [event.clientX - box.left, event.clientY - box.top];
};

const readHint = () => byId("hint").classList.add("read");

function pointAt(px, py) {
  const label = labelAt(px, py);
  const image = label ? NONE : imageAt(px, py);
  over.style.cursor = label || image !== NONE ? "pointer" : "grab";
  cardAt = [px, py];
  point(image, label);
}

function moved(event) {
  const at = inMap(event);
  const last = fingers.get(event.pointerId);
  if (!last) {
    if (event.pointerType !== "touch") pointAt(...at);
    return;
  }
  const others = [...fingers].filter(([id]) => id !== event.pointerId).map(([, place]) => place);
  fingers.set(event.pointerId, at);
  if (others.length === 1) {
    const [other] = others;
    const apart = ([x, y]) => Math.max(1, Math.hypot(x - other[0], y - other[1]));
    pan((at[0] - last[0]) / 2, (at[1] - last[1]) / 2);
    zoomAt((at[0] + other[0]) / 2, (at[1] + other[1]) / 2, apart(at) / apart(last));
    if (pressed) pressed.moved = true;
  } else if (pressed && (pressed.moved || Math.hypot(at[0] - pressed.at[0], at[1] - pressed.at[1]) > STILL)) {
    pressed.moved = true;
    over.style.cursor = "grabbing";
    pan(at[0] - last[0], at[1] - last[1]);
    point(NONE);
    readHint();
  }
}

function released(event) {
  const at = inMap(event);
  const click = event.type === "pointerup" && pressed && !pressed.moved && fingers.size === 1;
  fingers.delete(event.pointerId);
  if (fingers.size) return;
  pressed = null;
  pointAt(...at);
  if (click) clicked();
  if (event.pointerType === "touch") point(NONE);
}

function clicked() {
  readHint();
  if (pointed.cluster) open({ cluster: pointed.cluster });
  else if (pointed.image !== NONE) open({ image: pointed.image });
}

// The image next to the present one in a direction: near, and not far to the side.
function next(right, upwards) {
  const from = pointed.image !== NONE ? pointed.image : chosen.image;
  const [x, y] = from === NONE ? [view.x, view.y] : [xs[from], ys[from]];
  if (from === NONE) return everyImage.nearest(x, y, 4);
  let [best, least] = [NONE, Infinity];
  for (let image = 0; image < total; image += 1) {
    const [dx, dy] = [(xs[image] - x) * view.scale, (ys[image] - y) * view.scale];
    const ahead = dx * right + dy * upwards;
    const aside = Math.abs(dx * upwards) + Math.abs(dy * right);
    const cost = ahead + 2 * aside;
    if (ahead >= KEY_STEP && aside <= ahead && cost < least) [best, least] = [image, cost];
  }
  return best;
}

function keyed(event) {
  const arrow = { ArrowRight: [1, 0], ArrowLeft: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] }[event.key];
  const does = { "+": () => zoomSmoothly(1.6), "=": () => zoomSmoothly(1.6), "-": () => zoomSmoothly(1 / 1.6), 0: () => showAll(), p: switchPictures, Enter: clicked, Escape: () => (pointed.image === NONE ? closeAll() : point(NONE)) };
  if (event.ctrlKey || event.metaKey || event.altKey || !(arrow || does[event.key])) return;
  event.preventDefault();
  if (!arrow) does[event.key]();
  else if (event.shiftKey) pan(-arrow[0] * PAN_STEP, arrow[1] * PAN_STEP);
  else {
    const image = next(...arrow);
    if (image === NONE) return;
    cardAt = null;
    point(image);
    bringIntoSight(image);
  }
}

function startPointing() {
  over.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    over.setPointerCapture(event.pointerId);
    fingers.set(event.pointerId, inMap(event));
    pressed ??= { at: inMap(event), moved: false };
    if (fingers.size > 1) pressed.moved = true;
  });
  over.addEventListener("pointermove", moved);
  for (const end of ["pointerup", "pointercancel"]) over.addEventListener(end, released);
  over.addEventListener("pointerleave", () => fingers.size || point(NONE));
  over.addEventListener("dblclick", (event) => zoomAt(...inMap(event), 2));
  over.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === WheelEvent.DOM_DELTA_LINE ? 33 : 1;
    const fine = event.ctrlKey ? 6 : 1; // a pinch on a touchpad comes as small turns
    zoomAt(...inMap(event), Math.exp(-WHEEL * fine * lines * event.deltaY));
    readHint();
  }, { passive: false });
  over.addEventListener("keydown", keyed);
  over.addEventListener("blur", () => point(NONE));
}

function fillCard(image) {
  card.hidden = image === NONE;
  if (image === NONE) return;
  const cluster = clusterAt(image);
  const own = pictureOf(image);
  const parts = [make("div", { class: "frame" }, pictureElement(own ? image : likeness(image), CARD))];
  if (!own) parts.push(make("p", { class: "facts" }, likeness(image) === NONE ? "It has no picture on this page." : "It has no picture on this page: this is the nearest that has one."));
  parts.push(make("p", { class: "path" }, pathText(image)));
  parts.push(make("p", {}, chip(cluster)));
  parts.push(make("p", { class: "facts" }, `${cluster ? "distance to its middle" : "to the nearest cluster"} ${distanceWords(distanceOf(image))}`));
  card.replaceChildren(...parts);
}

// The nearest image with a picture: of those that are alike, else of those near on the map.
function likeness(image) {
  const alike = nearestOf(image).find(([other]) => cellOf[other] !== NONE);
  return alike ? alike[0] : everyImage.nearest(xs[image], ys[image], 4, (other) => cellOf[other] !== NONE);
}

// Beside the pointer, on the side where there is room.
function placeCard() {
  if (card.hidden) return;
  const [x, y] = cardAt ?? [across(xs[pointed.image]), down(ys[pointed.image])];
  const [wide, high, gap] = [card.offsetWidth, card.offsetHeight, 18];
  const left = x + gap + wide < view.width - 8 ? x + gap : x - gap - wide;
  const top = Math.min(Math.max(y - high / 3, 8), view.height - high - 8);
  card.style.transform = `translate(${Math.max(8, Math.round(left))}px, ${Math.max(8, Math.round(top))}px)`;
}
