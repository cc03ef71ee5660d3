// The map: what is looked at, and one frame of it.

const mapBox = byId("map");
const over = byId("over");
const pen = over.getContext("2d");
const RING = 7; // pixels around the image that is pointed at

// Lists open clusters and images, the pointer and the focus point at them; a search finds images.
const chosen = { cluster: null, image: NONE };
const pointed = { cluster: null, image: NONE };
let found = null; // Set of images, or null where nothing is searched for
const strong = new Uint8Array(total).fill(1); // what is not faint
let strongCount = total;
let asked = 0;
let levelled; // for whom the pictures found room: what was open or found, undefined before
let colours = null;

// Which images stand out: of what is pointed at, else of a search, else of what is open.
function emphasise() {
  const about = pointed.cluster ?? (found ? null : chosen.cluster);
  strongCount = 0;
  for (let image = 0; image < total; image += 1) {
    const fits = about ? contains(about, image) : !found || found.has(image);
    strong[image] = fits ? 1 : 0;
    strongCount += strong[image];
  }
  repaint();
}

// Pictures find their room anew where other images have the map to themselves.
function levelAgain() {
  const about = found ?? chosen.cluster;
  if (about === levelled) return;
  levelled = about;
  findLevels(found ? (image) => found.has(image) : chosen.cluster ? (image) => contains(chosen.cluster, image) : () => true, about !== null);
}

function repaint() {
  if (!asked) asked = requestAnimationFrame(paint);
}

function readColours() {
  const style = getComputedStyle(document.body);
  colours = Object.fromEntries(["card", "rule", "ink", "soft", "accent", "ground"].map((name) => [name, style.getPropertyValue(`--${name}`).trim()]));
  fillColourTable();
  repaint();
}

function paint(now) {
  asked = 0;
  const began = performance.now();
  flown(now);
  levelAgain();
  choosePictures();
  paintDots();
  const { grain, width, height } = view;
  if (over.width !== Math.round(width * grain) || over.height !== Math.round(height * grain)) {
    Object.assign(over, { width: Math.round(width * grain), height: Math.round(height * grain) });
  }
  pen.setTransform(grain, 0, 0, grain, 0, 0);
  pen.clearRect(0, 0, width, height);
  paintPictures(pen);
  paintMarks();
  paintLabels(pen, colours);
  placeCard();
  // For whoever measures or tests the page: where things are, how long the script took for them.
  over.dataset.view = JSON.stringify({ x: view.x, y: view.y, scale: view.scale, zoom: zoom(), pictures: drawnPictures.length, flying: flight !== null });
  over.dataset.milliseconds = (performance.now() - began).toFixed(2);
}

// Rings around the image that is open, and around the one that is pointed at.
function paintMarks() {
  for (const [image, colour] of [[chosen.image, colours.ink], [pointed.image, colours.accent]]) {
    if (image === NONE) continue;
    const box = drawnPictures.find((each) => each.image === image);
    pen.strokeStyle = colours.card;
    pen.lineWidth = 5;
    ring(image, box);
    pen.strokeStyle = colour;
    pen.lineWidth = 2.25;
    ring(image, box);
  }
}

function ring(image, box) {
  pen.beginPath();
  if (box) pen.rect(box.left - 3, box.top - 3, box.width + 6, box.height + 6);
  else pen.arc(across(xs[image]), down(ys[image]), Math.max(RING, dotRadius() + 3), 0, 2 * Math.PI);
  pen.stroke();
}

function point(image, cluster = null) {
  if (image === pointed.image && cluster === pointed.cluster) return;
  const changed = cluster !== pointed.cluster;
  Object.assign(pointed, { image, cluster });
  fillCard(image);
  if (changed) emphasise();
  else repaint();
}

// Moves the map only where the image would be out of sight or under the edge.
function bringIntoSight(image) {
  const [x, y, edge] = [across(xs[image]), down(ys[image]), 40];
  if (x > edge && y > edge && x < view.width - edge && y < view.height - edge) return;
  flyTo({ x: xs[image], y: ys[image], scale: view.scale });
}

function resized() {
  const box = mapBox.getBoundingClientRect();
  if (!box.width || !box.height) return;
  if (sized(box.width, box.height)) levelled = undefined;
  repaint();
}

function startMap() {
  readColours();
  darkly.addEventListener("change", () => {
    readColours();
    showAgain(); // the lists have colours too
  });
  byId("nothing").hidden = total > 0;
  resized();
  new ResizeObserver(resized).observe(mapBox);
  byId("closer").addEventListener("click", () => zoomSmoothly(2));
  byId("farther").addEventListener("click", () => zoomSmoothly(1 / 2));
  byId("whole").addEventListener("click", () => showAll());
  byId("thumbs").addEventListener("click", switchPictures);
  startPointing();
}

function switchPictures() {
  picturesWanted = !picturesWanted;
  byId("thumbs").setAttribute("aria-pressed", String(picturesWanted));
  repaint();
}
