// The part of the map in sight: where its middle is, how many pixels one unit takes, how both change.

const MOST_ZOOM = 400; // times the whole map
const LEAST_ZOOM = 0.5;
const MARGIN = 48; // pixels around the whole map
const FLIGHT_MS = 420;
const CLOSEST_FLIGHT = 24; // zoom at which a flight to a small cluster or a single image ends

const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;
const whole = boundsOf(allImages);
const view = { x: 0, y: 0, scale: 1, fit: 1, width: 1, height: 1, grain: 1 };
let flight = null;

const across = (x) => view.width / 2 + (x - view.x) * view.scale;
const down = (y) => view.height / 2 - (y - view.y) * view.scale;
const placeX = (px) => view.x + (px - view.width / 2) / view.scale;
const placeY = (py) => view.y - (py - view.height / 2) / view.scale;
const zoom = () => view.scale / view.fit;

function scaleFor(bounds) {
  const [wide, high] = [bounds.right - bounds.left, bounds.top - bounds.bottom];
  const room = (length) => Math.max(40, length - 2 * MARGIN);
  return Math.min(room(view.width) / Math.max(wide, 1e-9), room(view.height) / Math.max(high, 1e-9));
}

function sized(width, height) {
  const before = view.fit;
  const [first, at] = [view.width === 1, zoom()];
  Object.assign(view, { width, height, grain: window.devicePixelRatio || 1 });
  view.fit = Math.min(scaleFor(whole), 1e6);
  if (first) showAll(false);
  else view.scale = at * view.fit;
  return before !== view.fit;
}

const middleOf = (bounds) => ({ x: (bounds.left + bounds.right) / 2, y: (bounds.bottom + bounds.top) / 2 });
const clamped = (scale) => Math.min(MOST_ZOOM * view.fit, Math.max(LEAST_ZOOM * view.fit, scale));

function showAll(smoothly = true) {
  flyTo({ ...middleOf(whole), scale: view.fit }, smoothly);
}

const STRAY = 0.05; // share of a cluster's images, at each side, that need not be in sight

// Most of the images of a cluster: those far out would make the rest small.
function showImages(images) {
  const held = (values) => {
    const order = Float64Array.from(values).sort();
    return [order[Math.floor(order.length * STRAY)], order[Math.ceil(order.length * (1 - STRAY)) - 1]];
  };
  const [left, right] = held(images.map((image) => xs[image]));
  const [bottom, top] = held(images.map((image) => ys[image]));
  const bounds = { left, right, bottom, top };
  flyTo({ ...middleOf(bounds), scale: Math.min(scaleFor(bounds), CLOSEST_FLIGHT * view.fit) });
}

function flyTo(target, smoothly = true) {
  const goal = { ...target, scale: clamped(target.scale) };
  flight = smoothly && !calm() ? { from: { ...view }, goal, began: performance.now() } : null;
  if (!flight) Object.assign(view, goal);
  repaint();
}

// One step of a flight; the scale changes by equal factors, so that it looks even.
function flown(now) {
  if (!flight) return;
  const part = Math.min(1, (now - flight.began) / FLIGHT_MS);
  const eased = 1 - (1 - part) ** 3;
  const { from, goal } = flight;
  view.scale = from.scale * (goal.scale / from.scale) ** eased;
  // The middle moves with the scale: where both change, it closes in on its goal as fast as the map grows.
  const grown = goal.scale / from.scale;
  const moved = Math.abs(grown - 1) < 1e-3 ? eased : (1 - (1 / grown) ** eased) / (1 - 1 / grown);
  view.x = from.x + (goal.x - from.x) * moved;
  view.y = from.y + (goal.y - from.y) * moved;
  if (part === 1) {
    Object.assign(view, goal);
    flight = null;
  }
  repaint();
}

function zoomAt(px, py, factor) {
  flight = null;
  const [x, y] = [placeX(px), placeY(py)];
  view.scale = clamped(view.scale * factor);
  view.x = x - (px - view.width / 2) / view.scale;
  view.y = y + (py - view.height / 2) / view.scale;
  repaint();
}

function pan(dx, dy) {
  flight = null;
  view.x = Math.min(whole.right, Math.max(whole.left, view.x - dx / view.scale));
  view.y = Math.min(whole.top, Math.max(whole.bottom, view.y + dy / view.scale));
  repaint();
}

const zoomSmoothly = (factor) => flyTo({ x: view.x, y: view.y, scale: (flight?.goal.scale ?? view.scale) * factor });
