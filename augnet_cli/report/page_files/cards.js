// Cards: a group, a suspected pair or a stack, with its pictures and the found transforms drawn on them.

const COPIES_AT_FIRST = 60; // of one group; a folder of a thousand equal icons must not freeze the page
const WHOLE = 0.97; // a copy that covers this much of its witness is not drawn as a crop
const LEVEL = 1; // degrees under which no turn is drawn
const PAIRS = ["partial", "unverified"]; // sections of two pictures that both stay
const BOXES_AT_ONCE = 3; // crops; more would hide the picture: then each is drawn only when pointed at

const source = (image) => `data:${data.media};base64,${data.thumbnails[image.thumbnail]}`;

function picture(image) {
  if (!data.thumbnails[image.thumbnail]) {
    return make("span", { class: "broken" }, make("span", {}, "can't be shown"), make("small", {}, image.reason ?? ""));
  }
  return make("img", { src: source(image), alt: "", decoding: "async", draggable: "false" });
}

function pathLink(image) {
  const name = nameOf(image);
  const cut = name.lastIndexOf("/") + 1;
  const folder = cut ? make("span", { class: "folder" }, make("bdi", { dir: "ltr" }, name.slice(0, cut))) : "";
  const link = { href: addressOf(image), target: "_blank", rel: "noopener noreferrer", title: name };
  return make("a", link, folder, make("bdi", { dir: "ltr" }, name.slice(cut)));
}

// The letter R as the copy shows it: turned, and mirrored as the Cyrillic Я.
function turnGlyph(transform) {
  const mirror = transform.mirrored ? " translate(16 0) scale(-1 1)" : "";
  const letter = draw("path", { d: "M5 13V3h4a2.8 2.8 0 0 1 0 5.6H5m3.6 0L12 13", transform: `rotate(${-transform.degrees} 8 8)${mirror}` });
  return draw("svg", { class: "glyph", viewBox: "0 0 16 16", "aria-hidden": "true" }, letter);
}

function wordList(pair) {
  const words = make("ul", { class: "words" });
  const texts = verdictWords(pair);
  pair.verdict.forEach((word, place) => {
    const turned = pair.transform && (word === "rotated" || (word === "mirrored" && !pair.verdict.includes("rotated")));
    const tone = word.startsWith("identical-") ? "sure" : ["near", "unverified", "partial"].includes(word) ? "open" : "";
    words.append(make("li", { class: tone }, turned ? turnGlyph(pair.transform) : "", texts[place]));
  });
  return words;
}

// A box in the frame of a picture.  Pointed at, what is outside is shaded and the copy's upper edge is thick;
// otherwise a crop is a thin line, and a mere turn is not drawn.
function boxOn(image, corners, place, crop) {
  const { width, height } = image;
  const line = (shape) => {
    const points = within(shape, image).map(([x, y]) => `${x.toFixed(1)} ${y.toFixed(1)}`);
    return points.length ? `M${points.join("L")}Z` : "";
  };
  const outline = line(corners);
  return draw(
    "g",
    { class: crop ? "box" : "box turn", "data-place": place },
    draw("path", { class: "shade", d: `M0 0H${width}V${height}H0Z${outline}` }),
    draw("path", { class: "halo", d: outline }),
    draw("path", { class: "line", d: outline }),
    draw("path", { class: "upper", d: line(corners.slice(0, 2)) }),
  );
}

function overlay(image, boxes) {
  const view = { class: "overlay", viewBox: `0 0 ${image.width} ${image.height}`, "aria-hidden": "true" };
  return boxes.length ? draw("svg", view, ...boxes) : null;
}

function boxesOnWitness(item, witness) {
  const boxes = [];
  item.pairs.forEach((pair, place) => {
    const found = pair.witness === witness ? geometry(pair) : null;
    if (!found) return;
    const turned = Math.abs(pair.transform.degrees) >= LEVEL || pair.transform.mirrored;
    const cut = found.share < WHOLE && pair.verdict.includes("cropped"); // a slight turn cuts corners too
    if (cut || turned) boxes.push(boxOn(data.images[witness], found.corners, place, cut));
  });
  return boxes;
}

function points(card, place, on) {
  card.querySelectorAll(".box").forEach((box) => box.classList.toggle("on", on && box.dataset.place === String(place)));
  card.classList.toggle("pointing", on && card.querySelector(".box.on") !== null);
}

function keptTile(item, number) {
  const image = data.images[number];
  const boxes = image.width ? boxesOnWitness(item, number) : [];
  const crops = boxes.filter((box) => !box.classList.contains("turn")).length;
  const frame = make("div", { class: crops > BOXES_AT_ONCE ? "picture many" : "picture" }, picture(image), overlay(image, boxes));
  const caption = make("figcaption");
  if (item.section === "groups") caption.append(keptWords(item));
  caption.append(make("p", { class: "path" }, pathLink(image)), make("p", { class: "facts" }, fileWords(image)));
  return make("figure", { class: "tile" }, frame, caption);
}

function keptWords(item) {
  return make("ul", { class: "words" }, make("li", { class: "kept" }, "kept"), make("li", { class: "why" }, item.why));
}

function copyTile(item, place, card) {
  const pair = item.pairs[place];
  const image = data.images[pair.image];
  const label = `Compare ${nameOf(image)} with ${nameOf(data.images[pair.witness])}`;
  const open = make("button", { type: "button", class: "picture", "aria-label": label, "data-place": place }, picture(image));
  open.addEventListener("click", () => comparePair(item, place));
  for (const begin of ["pointerenter", "focus"]) open.addEventListener(begin, () => points(card, place, true));
  for (const end of ["pointerleave", "blur"]) open.addEventListener(end, () => points(card, place, false));
  const caption = make("figcaption", {}, item.section === "groups" ? wordList(pair) : null);
  const distance = pair.distance === undefined ? "" : `distance ${pair.distance.toFixed(4)}`;
  caption.append(make("p", { class: "path" }, pathLink(image)), make("p", { class: "facts" }, fileWords(image)));
  if (distance) caption.append(make("p", { class: "facts" }, distance));
  if (item.kept !== undefined && pair.witness !== item.kept) {
    caption.append(make("p", { class: "facts" }, `as in ${nameOf(data.images[pair.witness])}`));
  }
  return make("figure", { class: fitsVerdict(pair) ? "tile" : "tile other" }, open, caption);
}

// Tiles in steps, so that a group of thousands opens at once.
function copyTiles(item, card) {
  const tiles = make("div", { class: "copies" });
  const more = make("button", { type: "button", class: "plain more" });
  const add = (step) => {
    const from = tiles.children.length;
    const to = Math.min(item.pairs.length, from + step);
    for (let place = from; place < to; place += 1) tiles.append(copyTile(item, place, card));
    more.textContent = `Show ${english.format(item.pairs.length - to)} more`;
    more.hidden = to === item.pairs.length;
  };
  more.addEventListener("click", () => add(COPIES_AT_FIRST));
  add(COPIES_AT_FIRST);
  return make("div", { class: "copied" }, tiles, more);
}

function heading(item) {
  const facts = {
    groups: () => `${english.format(item.pairs.length)} redundant, ${sizeWords(item.saved)}`,
    partial: () => "both stay: the second shows something that the first lacks",
    unverified: () => "both stay: near, but nothing proves that they are one picture",
    stacks: () => `${count(item.images.length, "photo")} of one scene, none redundant`,
  }[item.section]();
  const words = PAIRS.includes(item.section) ? wordList(item.pairs[0]) : "";
  return make("h3", {}, make("span", { class: "number" }, item.title), words, make("span", { class: "facts" }, facts));
}

function fillCard(card, item) {
  if (item.section === "skipped") {
    card.replaceChildren(make("p", { class: "path" }, make("bdi", {}, item.skip.path)), make("p", { class: "facts" }, item.skip.reason));
    return;
  }
  const star = make("div", { class: "star" }, keptTile(item, item.images[0]), copyTiles(item, card));
  card.replaceChildren(heading(item), star);
}
