// What the lists are made of: names, chips of colour, tiles of pictures that point at the map.

const TILES_AT_FIRST = 48; // of a list; more on demand

// A path in one line that keeps its end: the folder is cut first.
function pathText(image) {
  const name = nameOf(image);
  const cut = name.lastIndexOf("/") + 1;
  const folder = cut ? make("span", { class: "folder" }, make("bdi", { dir: "ltr" }, name.slice(0, cut))) : null;
  return make("span", { title: name }, folder, make("bdi", { dir: "ltr" }, name.slice(cut)));
}

function pathLink(image) {
  return make("a", { href: addressOf(image), target: "_blank", rel: "noopener noreferrer" }, pathText(image));
}

function chip(cluster) {
  const dot = make("i", { class: "dot" });
  dot.style.background = colourOf(cluster);
  return make("span", { class: "chip" }, dot, make("bdi", {}, cluster ? cluster.title : "in no cluster"));
}

// Whatever points at an image or a cluster does so with the mouse and with the keyboard.
function pointing(element, image, cluster = null) {
  for (const begin of ["pointerenter", "focus"]) {
    element.addEventListener(begin, () => {
      cardAt = null;
      point(image, cluster);
    });
  }
  for (const end of ["pointerleave", "blur"]) element.addEventListener(end, () => point(NONE));
  return element;
}

function tile(image, side, words = "") {
  const button = make("button", { type: "button", class: "tile", "aria-label": nameOf(image), title: nameOf(image), "data-image": image }, pictureElement(image, side, true));
  if (words) button.append(make("span", { class: "under" }, words));
  button.addEventListener("click", () => open({ image }));
  return pointing(button, image);
}

// Tiles in steps, so that a list of thousands opens at once.
function tiles(images, wordsOf = () => "", side = 76) {
  const grid = make("div", { class: "tiles" });
  return stepwise(grid, images, (image) => tile(image, side, wordsOf(image)));
}

function rows(items, rowOf) {
  return stepwise(make("div", { class: "rows" }), items, rowOf);
}

function stepwise(list, items, made) {
  const more = make("button", { type: "button", class: "plain more" });
  const add = () => {
    const to = Math.min(items.length, list.children.length + TILES_AT_FIRST);
    for (let place = list.children.length; place < to; place += 1) list.append(made(items[place]));
    more.textContent = `Show more (${english.format(items.length - to)} left)`;
    more.hidden = to === items.length;
  };
  more.addEventListener("click", add);
  add();
  return make("div", { class: "stepwise" }, list, more);
}

// A row of an image: its picture, its path, what is said of it.
function imageRow(image, ...facts) {
  const texts = make("span", { class: "texts" }, make("span", { class: "path" }, pathText(image)), make("span", { class: "facts" }, ...facts));
  const row = make("button", { type: "button", class: "row", "data-image": image }, make("span", { class: "thumb" }, pictureElement(image, 56, true)), texts);
  row.addEventListener("click", () => open({ image }));
  return pointing(row, image);
}

function strip(images, side = 52, most = 6) {
  return make("span", { class: "strip" }, ...images.slice(0, most).map((image) => make("span", { class: "thumb" }, pictureElement(image, side, true))));
}

// A cluster in a list: colour, name, size, and pictures of what it spans.
function clusterRow(cluster) {
  const dot = make("i", { class: "dot" });
  dot.style.background = colourOf(cluster);
  const head = make("span", { class: "head" }, dot, make("bdi", { class: "name" }, cluster.title), make("span", { class: "tally" }, english.format(cluster.size)));
  const row = make("button", { type: "button", class: "cluster", "aria-label": `${cluster.title}, ${count(cluster.size, "image")}` }, head, strip(cluster.exemplars));
  row.addEventListener("click", () => open({ cluster }));
  return pointing(row, NONE, cluster);
}

function section(title, tally, ...children) {
  const heading = make("h3", {}, title, tally === null ? null : make("span", { class: "tally" }, english.format(tally)));
  return make("section", {}, heading, ...children);
}
