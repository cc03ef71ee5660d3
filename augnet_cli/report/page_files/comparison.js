// The comparison: two pictures laid upon each other in the frame of the witness, by the found matrix.

const FLICKER_MS = 700; // under the three flashes a second that may harm
const FADED = 0.22; // how the kept picture shows where the copy has nothing
const MOST_SURROUND = 1; // of the witness's side: how far around it a border is shown
const UNKNOWN = { width: 400, height: 300 }; // of a picture that can't be shown
const SLIDE_STEP = 2; // percent a key
const MODES = [
  { id: "slide", name: "Slide", key: "S", hint: "Drag the picture, or press ← and →." },
  { id: "flicker", name: "Flicker", key: "F", hint: "Space shows the other picture and stops the flicker." },
  { id: "difference", name: "Difference", key: "D", hint: "Black is where both agree." },
];

const dialog = byId("comparison");
const stage = byId("stage");
const canvas = byId("canvas");
const slide = byId("slide");
const compared = { list: [], at: 0, mode: "slide", copyShown: false, timer: 0, pictures: [null, null], view: null };

const pairNow = () => compared.list[compared.at].item.pairs[compared.list[compared.at].place];
const sizeOf = (image) => (image.width ? image : UNKNOWN);
const calm = () => matchMedia("(prefers-reduced-motion: reduce)").matches;

function comparePair(item, place) {
  const within = (each) => each.item === item && each.place === place;
  compared.list = pairsInOrder(fitsVerdict);
  if (!compared.list.some(within)) compared.list = pairsInOrder(() => true);
  compared.at = compared.list.findIndex(within);
  compared.pictures = [null, null];
  dialog.showModal();
  stage.focus();
  setMode(compared.mode);
  showPair();
}

async function loaded(image) {
  if (!data.thumbnails[image.thumbnail]) return null;
  const element = new Image();
  element.src = source(image);
  await element.decode().catch(() => null);
  return element.naturalWidth ? element : null;
}

// Of what is not aligned the shapes decide: alike are laid upon each other, others fitted in the middle.
function matrixOf(pair) {
  if (geometry(pair)) return pair.transform.matrix;
  const [copy, witness] = [sizeOf(data.images[pair.image]), sizeOf(data.images[pair.witness])];
  const [across, down] = [witness.width / copy.width, witness.height / copy.height];
  if (Math.abs(across / down - 1) < 1 - WHOLE) return [across, 0, 0, 0, down, 0];
  const scale = Math.min(across, down);
  return [scale, 0, (witness.width - scale * copy.width) / 2, 0, scale, (witness.height - scale * copy.height) / 2];
}

// The witness, and around it what more the copy shows.
function viewOf(pair) {
  const witness = sizeOf(data.images[pair.witness]);
  const around = { left: 0, top: 0, right: witness.width, bottom: witness.height };
  const found = geometry(pair);
  for (const [x, y] of found ? found.corners : []) {
    around.left = Math.max(Math.min(around.left, x), -MOST_SURROUND * witness.width);
    around.top = Math.max(Math.min(around.top, y), -MOST_SURROUND * witness.height);
    around.right = Math.min(Math.max(around.right, x), (1 + MOST_SURROUND) * witness.width);
    around.bottom = Math.min(Math.max(around.bottom, y), (1 + MOST_SURROUND) * witness.height);
  }
  return around;
}

async function showPair() {
  const pair = pairNow();
  const [witness, copy] = [data.images[pair.witness], data.images[pair.image]];
  describe(byId("witness-side"), witness, compared.list[compared.at].item, null);
  describe(byId("copy-side"), copy, compared.list[compared.at].item, pair);
  byId("step").textContent = `${english.format(compared.at + 1)} of ${english.format(compared.list.length)}`;
  byId("previous").disabled = compared.at === 0;
  byId("next").disabled = compared.at === compared.list.length - 1;
  compared.pictures = [null, null];
  delete canvas.dataset.pair;
  const pictures = await Promise.all([loaded(witness), loaded(copy)]);
  if (pair !== pairNow()) return; // another pair was asked for meanwhile
  compared.pictures = pictures;
  paint();
  canvas.dataset.pair = `${pair.witness} ${pair.image}`;
}

function describe(side, image, item, pair) {
  const words = pair ? wordList(pair) : item.section === "groups" ? keptWords(item) : make("ul", { class: "words" });
  const facts = [fileWords(image)];
  if (pair && pair.distance !== undefined) facts.push(`distance ${pair.distance.toFixed(4)}`);
  if (!data.thumbnails[image.thumbnail]) facts.push("can't be shown");
  else if (pair && !geometry(pair)) facts.push("laid on by size, not aligned");
  side.replaceChildren(words, make("p", { class: "path" }, pathLink(image)), make("p", { class: "facts" }, facts.join(", ")));
}

function setMode(mode) {
  compared.mode = mode;
  compared.copyShown = false;
  clearInterval(compared.timer);
  compared.timer = mode === "flicker" && !calm() ? setInterval(() => flip(false), FLICKER_MS) : 0;
  for (const button of byId("modes").children) button.setAttribute("aria-pressed", String(button.dataset.mode === mode));
  byId("hint").textContent = MODES.find((each) => each.id === mode).hint;
  byId("slide-row").classList.toggle("unused", mode !== "slide");
  paint();
}

function flip(byHand) {
  if (byHand) clearInterval(compared.timer);
  compared.copyShown = !compared.copyShown;
  paint();
}

function paint() {
  if (!dialog.open) return;
  const pen = canvas.getContext("2d");
  const grain = window.devicePixelRatio || 1;
  canvas.width = Math.round(stage.clientWidth * grain);
  canvas.height = Math.round(stage.clientHeight * grain);
  const view = viewOf(pairNow());
  const [width, height] = [view.right - view.left, view.bottom - view.top];
  const scale = Math.min(canvas.width / width, canvas.height / height);
  const left = (canvas.width - scale * width) / 2;
  const top = (canvas.height - scale * height) / 2;
  compared.view = { left: left / grain, width: (scale * width) / grain };
  Object.assign(byId("slide-row").style, { marginInline: `${left / grain}px` });
  pen.imageSmoothingQuality = "high";
  const frame = () => pen.setTransform(scale, 0, 0, scale, left - scale * view.left, top - scale * view.top);
  frame();
  const at = left + (scale * width * Number(slide.value)) / 100;
  ({ slide: paintSlide, flicker: paintFlicker, difference: paintDifference })[compared.mode](pen, frame, at);
  label(at / grain);
}

function paintWitness(pen) {
  const { width, height } = sizeOf(data.images[pairNow().witness]);
  paintPicture(pen, compared.pictures[0], width, height);
}

function paintCopy(pen) {
  const pair = pairNow();
  const [a, b, c, d, e, f] = matrixOf(pair);
  const { width, height } = sizeOf(data.images[pair.image]);
  pen.save();
  pen.transform(a, d, b, e, c, f);
  paintPicture(pen, compared.pictures[1], width, height);
  pen.restore();
}

function paintPicture(pen, element, width, height) {
  if (element) pen.drawImage(element, 0, 0, width, height);
}

function paintSlide(pen, frame, at) {
  paintWitness(pen);
  pen.setTransform(1, 0, 0, 1, 0, 0);
  pen.save();
  pen.beginPath();
  pen.rect(at, 0, canvas.width - at, canvas.height);
  pen.clip();
  pen.clearRect(at, 0, canvas.width - at, canvas.height);
  frame();
  paintFaded(pen);
  paintCopy(pen);
  pen.restore();
  const thick = 2 * (canvas.width / stage.clientWidth);
  pen.fillStyle = "rgb(0 0 0 / 0.5)";
  pen.fillRect(at - thick, 0, 2 * thick, canvas.height);
  pen.fillStyle = "#fff";
  pen.fillRect(at - thick / 2, 0, thick, canvas.height);
}

function paintFaded(pen) {
  pen.globalAlpha = FADED;
  paintWitness(pen);
  pen.globalAlpha = 1;
}

function paintFlicker(pen) {
  if (!compared.copyShown) {
    paintWitness(pen);
    return;
  }
  paintFaded(pen);
  paintCopy(pen);
}

// Only where the copy lies: elsewhere there is nothing to compare.
function paintDifference(pen) {
  const pair = pairNow();
  const { width, height } = sizeOf(data.images[pair.image]);
  const [a, b, c, d, e, f] = matrixOf(pair);
  paintFaded(pen);
  pen.save();
  pen.transform(a, d, b, e, c, f);
  pen.beginPath();
  pen.rect(0, 0, width, height);
  pen.fillStyle = "#000";
  pen.fill();
  pen.clip();
  pen.transform(...inverse(a, d, b, e, c, f));
  paintWitness(pen);
  pen.globalCompositeOperation = "difference";
  paintCopy(pen);
  pen.restore();
}

function inverse(a, b, c, d, e, f) {
  const back = new DOMMatrix([a, b, c, d, e, f]).inverse();
  return [back.a, back.b, back.c, back.d, back.e, back.f];
}

function label(at) {
  const [left, right] = [byId("left-label"), byId("right-label")];
  const [one, other] = compared.list[compared.at].item.section === "groups" ? ["kept", "copy"] : ["first", "second"];
  left.hidden = compared.mode === "flicker" && compared.copyShown;
  right.hidden = compared.mode === "flicker" && !compared.copyShown;
  left.textContent = one;
  right.textContent = compared.mode === "difference" ? "" : other;
  if (compared.mode === "difference") [left.textContent, right.hidden] = ["difference", true];
  canvas.dataset.shown = compared.mode === "flicker" ? (compared.copyShown ? "copy" : "kept") : compared.mode;
  canvas.dataset.divider = String(Math.round(at));
  canvas.setAttribute("aria-label", `${one} and ${other} upon each other, ${compared.mode}: ${canvas.dataset.shown}`);
}

function stepTo(at) {
  if (at < 0 || at >= compared.list.length) return;
  compared.at = at;
  compared.copyShown = false;
  showPair();
}

function slideTo(value) {
  slide.value = String(Math.max(0, Math.min(100, value)));
  paint();
}

function dragged(event) {
  if (compared.mode !== "slide" || !(event.buttons & 1)) return;
  const x = event.clientX - stage.getBoundingClientRect().left;
  slideTo(((x - compared.view.left) / compared.view.width) * 100);
}

function keyed(event) {
  if (!dialog.open || event.ctrlKey || event.metaKey || event.altKey) return;
  const key = event.key.toLowerCase();
  const mode = MODES.find((each) => each.key.toLowerCase() === key);
  if (mode) setMode(mode.id === compared.mode && mode.id === "flicker" ? "slide" : mode.id);
  else if (key === "n") stepTo(compared.at + 1);
  else if (key === "p") stepTo(compared.at - 1);
  else if (key === " " && compared.mode === "flicker" && event.target.tagName !== "BUTTON") flip(true);
  else if (key === "arrowleft" && compared.mode === "slide") slideTo(Number(slide.value) - SLIDE_STEP);
  else if (key === "arrowright" && compared.mode === "slide") slideTo(Number(slide.value) + SLIDE_STEP);
  else return;
  event.preventDefault();
}

function startComparison() {
  for (const mode of MODES) {
    const button = { type: "button", "data-mode": mode.id, title: `${mode.name} (${mode.key})`, onclick: () => setMode(mode.id) };
    byId("modes").append(make("button", button, mode.name));
  }
  slide.addEventListener("input", paint);
  stage.addEventListener("pointerdown", (event) => {
    stage.setPointerCapture(event.pointerId);
    if (compared.mode === "flicker") flip(true);
    dragged(event);
  });
  stage.addEventListener("pointermove", dragged);
  document.addEventListener("keydown", keyed); // not of the dialog: a button that hides gives its focus away
  dialog.addEventListener("close", () => {
    clearInterval(compared.timer);
    const { item, place } = compared.list[compared.at];
    focusTile(item, place);
  });
  byId("close").addEventListener("click", () => dialog.close());
  byId("previous").addEventListener("click", () => stepTo(compared.at - 1));
  byId("next").addEventListener("click", () => stepTo(compared.at + 1));
  new ResizeObserver(paint).observe(stage);
}
