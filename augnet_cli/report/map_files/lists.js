// The panel: a list, or what was opened from it.  What is open is known to the map too.

const TYPING_MS = 120; // after the last letter of a search
const LISTS = [
  { id: "clusters", name: "Clusters", items: clusters, show: () => [curvePart(), make("div", { class: "rows" }, ...clusters.map(clusterRow))] },
  { id: "outliers", name: "Outliers", items: data.outliers, show: outlierList },
  { id: "flagged", name: "Flagged", items: data.flagged, show: flaggedList },
  { id: "noise", name: "Noise", items: noise, show: noiseList },
  { id: "skipped", name: "Skipped", items: data.skipped, show: skippedList },
];
const content = byId("content");
const shownNow = { list: "clusters", scrolled: 0 };

function outlierList() {
  const words = make("p", { class: "facts lead" }, "Least like anything else, the oddest first.");
  return [words, rows(data.outliers, ([image, steps]) => imageRow(image, `${distanceWords(steps / DISTANCE_STEPS)} `, chip(clusterAt(image))))];
}

function flaggedList() {
  return [rows(data.flagged, ([image, ...flags]) => imageRow(image, `${flags.join(", ")} `, chip(clusterAt(image))))];
}

function noiseList() {
  return [make("p", { class: "facts lead" }, "In no cluster: where images lie too thinly."), tiles(noise)];
}

function skippedList() {
  const row = (skip) => make("div", { class: "skip" }, make("p", { class: "path" }, make("bdi", {}, skip.path)), make("p", { class: "facts" }, skip.reason));
  return [rows(data.skipped, row)];
}

function foundList() {
  const images = [...found];
  const words = images.length ? `${english.format(images.length)} of ${count(total, "image")}` : "No path holds this.";
  return [make("p", { class: "facts lead", role: "status" }, words), rows(images, (image) => imageRow(image, chip(clusterAt(image))))];
}

// Opens a cluster, or an image with the cluster it is in.
function open({ cluster = null, image = NONE }) {
  if (!chosen.cluster && chosen.image === NONE) shownNow.scrolled = content.scrollTop;
  chosen.cluster = cluster ?? (image === NONE ? null : openedFor(image));
  chosen.image = image;
  point(NONE);
  showAgain();
  content.scrollTop = 0;
  if (image !== NONE) bringIntoSight(image);
}

// A sub-cluster that is open stays so while its own images are looked at.
const openedFor = (image) => (chosen.cluster && contains(chosen.cluster, image) ? chosen.cluster : clusterAt(image));

function closeAll() {
  Object.assign(chosen, { cluster: null, image: NONE });
  point(NONE);
  showAgain();
  content.scrollTop = shownNow.scrolled;
}

function showAgain() {
  const parts = [];
  if (chosen.cluster || chosen.image !== NONE) {
    const back = found ? "Found" : LISTS.find(({ id }) => id === shownNow.list).name;
    parts.push(make("button", { type: "button", class: "plain back", onclick: closeAll }, `‹ ${back}`));
    if (chosen.image !== NONE) parts.push(imagePart(chosen.image));
    if (chosen.cluster) parts.push(...clusterPanel(chosen.cluster));
  } else if (found) parts.push(...foundList());
  else parts.push(...LISTS.find(({ id }) => id === shownNow.list).show());
  content.replaceChildren(...parts.filter((part) => part !== null));
  content.setAttribute("aria-busy", "false");
  for (const tab of byId("tabs").children) {
    const selected = !found && tab.dataset.list === shownNow.list;
    tab.setAttribute("aria-selected", String(selected));
    tab.tabIndex = selected || (found && tab.dataset.list === "clusters") ? 0 : -1;
  }
  emphasise();
}

function openList(id) {
  Object.assign(shownNow, { list: id, scrolled: 0 });
  byId("text").value = "";
  found = null;
  closeAll();
}

function search(text) {
  const wanted = text.trim().toLowerCase();
  found = wanted ? new Set(allImages.filter((image) => nameOf(image).toLowerCase().includes(wanted))) : null;
  shownNow.scrolled = 0;
  closeAll();
}

function keyedTab(event) {
  const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
  if (!step) return;
  const all = [...byId("tabs").children];
  const other = all[(all.indexOf(event.target) + step + all.length) % all.length];
  other.focus();
  openList(other.dataset.list);
}
