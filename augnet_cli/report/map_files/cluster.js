// What the panel tells of one cluster or sub-cluster, and of one image of it.

const dayWords = new Intl.DateTimeFormat("en", { day: "numeric", month: "short", year: "numeric", timeZone: "UTC" });
const SHAPES = ["landscape", "portrait", "square"];
const CAMERAS = 4; // named; a cluster from the internet has dozens

function dateWords(time) {
  const date = new Date(`${time}Z`);
  return Number.isNaN(date.getTime()) ? time : dayWords.format(date); // a camera's clock may say the 31st of February
}

function spanWords({ first, last }) {
  if (!first) return null;
  const [from, to] = [dateWords(first), dateWords(last ?? first)];
  return from === to ? from : `${from} – ${to}`;
}

function fact(name, ...value) {
  return value[0] === null ? null : make("div", {}, make("dt", {}, name), make("dd", {}, ...value));
}

function colourBar(shares) {
  if (!shares.length) return null;
  return make("span", { class: "swatches" }, ...shares.map(([colour, share]) => {
    const swatch = make("i", { title: `${colour}, ${percent(share)}` });
    swatch.style.background = colour;
    swatch.style.flexGrow = 100 * share; // less than 1 in all would leave room
    return swatch;
  }));
}

function clusterLink(cluster, ...after) {
  const link = make("button", { type: "button", class: "link", onclick: () => open({ cluster }) }, chip(cluster));
  return make("span", {}, pointing(link, NONE, cluster), ...after);
}

function clusterFacts(cluster) {
  const { looks } = cluster;
  const siblings = cluster.parent ? cluster.parent.children : clusters;
  const near = siblings[cluster.neighbour];
  const shapes = SHAPES.map((shape, at) => [looks.shapes[at], shape]).filter(([share]) => share > 0);
  const sample = looks.of && looks.of < cluster.size ? ` (${english.format(looks.of)} images looked at)` : "";
  const cameras = looks.cameras.slice(0, CAMERAS).map(([name, share]) => `${name} ${percent(share)}`);
  return make("dl", { class: "factlist" },
    fact("Images", english.format(cluster.size)),
    fact("Tightness", make("span", { title: "mean distance to the middle; 0 where all are the same" }, distanceWords(cluster.tightness))),
    fact("Nearest", near ? clusterLink(near, ` ${distanceWords(cluster.gap)}`) : null),
    fact("Part of", cluster.parent ? clusterLink(cluster.parent) : null),
    fact("Taken", spanWords(looks)),
    fact("Cameras", cameras.length ? `${cameras.join(", ")}${sample}` : null),
    fact("Shapes", shapes.length ? shapes.map(([share, shape]) => `${shape} ${percent(share)}`).join(", ") : null),
    fact("Colours", colourBar(looks.colours)),
  );
}

function pictureFacts(image) {
  const picture = pictureOf(image);
  const cluster = clusterAt(image);
  const size = picture?.width ? `${english.format(picture.width)} × ${english.format(picture.height)}` : null;
  return make("dl", { class: "factlist" },
    fact("Cluster", cluster ? clusterLink(cluster) : "none"),
    fact(cluster ? "To its middle" : "To the nearest", distanceWords(distanceOf(image))),
    fact("Outlier", outlierDistance.has(image) ? `mean distance ${distanceWords(outlierDistance.get(image))} to its nearest` : null),
    fact("Flags", flagsOf.has(image) ? flagsOf.get(image).join(", ") : null),
    fact("File", size ? `${size}${picture.bytes ? `, ${sizeWords(picture.bytes)}` : ""}` : null),
  );
}

function imagePart(image) {
  const near = nearestOf(image);
  const distances = new Map(near);
  const frame = make("a", { class: "frame large", href: addressOf(image), target: "_blank", rel: "noopener noreferrer", "aria-label": `Open ${nameOf(image)}` }, pictureElement(image, 208));
  const part = make("section", { class: "image", "data-image": image }, frame, make("p", { class: "path" }, pathLink(image)), pictureFacts(image));
  if (near.length) part.append(make("h4", {}, "Most like it"), tiles(near.map(([other]) => other), (other) => distanceWords(distances.get(other)), 52));
  return part;
}

function clusterPanel(cluster) {
  const dot = make("i", { class: "dot" });
  dot.style.background = colourOf(cluster);
  const show = make("button", { type: "button", class: "plain", onclick: () => showImages(cluster.members) }, "Show on the map");
  const parts = [make("div", { class: "heading" }, make("h2", {}, dot, make("bdi", {}, cluster.title)), cluster.members.length ? show : null), clusterFacts(cluster)];
  const add = (title, images, ...rest) => images.length && parts.push(section(title, images.length, ...rest));
  if (cluster.exemplars.length) parts.push(section("What it spans", null, tiles(cluster.exemplars)));
  add("Parts", cluster.children, make("div", { class: "rows" }, ...cluster.children.map(clusterRow)));
  if (cluster.borderline.length) parts.push(section("On the border", cluster.borderline.length, make("p", { class: "facts" }, "As near to another cluster, or almost."), tiles(cluster.borderline)));
  add("Outliers in it", cluster.outliers, tiles(cluster.outliers));
  add("Flagged in it", cluster.flagged, tiles(cluster.flagged, (image) => flagsOf.get(image).join(", ")));
  const nearestFirst = [...cluster.members].sort((a, b) => data.distance[a] - data.distance[b] || a - b);
  add("All, the most typical first", nearestFirst, tiles(nearestFirst));
  return parts;
}
