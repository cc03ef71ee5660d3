// The records as the page uses them: images by number, pictures by cell, clusters with their members.

const PLACE_STEPS = 100000;
const DISTANCE_STEPS = 10000;
const NONE = -1;

const total = data.paths.length;
const xs = Float64Array.from(data.x, (step) => step / PLACE_STEPS);
const ys = Float64Array.from(data.y, (step) => step / PLACE_STEPS);
const clusterOf = Int32Array.from(data.cluster);
const childOf = Int32Array.from(data.child);
const imageIn = Int32Array.from(data.pictures, ([image]) => image); // each cell
const cellOf = new Int32Array(total).fill(NONE);
data.pictures.forEach(([image], cell) => {
  cellOf[image] = cell;
});
const flagsOf = new Map(data.flagged.map(([image, ...flags]) => [image, flags]));
const outlierDistance = new Map(data.outliers.map(([image, steps]) => [image, steps / DISTANCE_STEPS]));

const nameOf = (image) => data.shown[image] ?? data.paths[image];
const addressOf = (image) => data.folder + (data.href[image] ?? data.paths[image]);
const distanceOf = (image) => data.distance[image] / DISTANCE_STEPS;
const distanceWords = (distance) => distance.toFixed(4);
const allImages = Array.from({ length: total }, (_, image) => image);
const noise = allImages.filter((image) => clusterOf[image] === NONE);

// A picture's cell, or null where the image has none: across, down and the size of the file's own picture.
function pictureOf(image) {
  if (cellOf[image] === NONE) return null;
  const [, across, down, width, height, bytes, reason] = data.pictures[cellOf[image]];
  return { cell: cellOf[image], across, down, width, height, bytes, reason };
}

function nearestOf(image) {
  const near = [];
  for (let place = image * data.nearest; place < (image + 1) * data.nearest; place += 1) {
    if (data.near[place] !== NONE) near.push([data.near[place], data.nearDistance[place] / DISTANCE_STEPS]);
  }
  return near;
}

const middle = (values) => Float64Array.from(values).sort()[values.length >> 1] ?? 0;

// A cluster or sub-cluster: `parent` is null or the cluster, `x` and `y` are the middle of its images.
function withMembers(record, place, parent, members) {
  const told = { ...record, place, parent, members };
  // With its number, by which text, tables and folders name it.
  const whole = record.name ? `${record.id} ${record.name}` : `Cluster ${record.id}`;
  told.title = parent ? record.name || `${parent.title}, part ${record.id + 1}` : whole;
  told.x = middle(members.map((image) => xs[image]));
  told.y = middle(members.map((image) => ys[image]));
  told.outliers = members.filter((image) => outlierDistance.has(image));
  told.flagged = members.filter((image) => flagsOf.has(image));
  return told;
}

function sorted(length, images, column) {
  const members = Array.from({ length }, () => []);
  for (const image of images) if (column[image] !== NONE) members[column[image]].push(image);
  return members;
}

const clusters = (() => {
  const members = sorted(data.clusters.length, allImages, clusterOf);
  return data.clusters.map((record, place) => {
    const cluster = withMembers(record, place, null, members[place]);
    const parts = sorted(record.children.length, cluster.members, childOf);
    cluster.children = record.children.map((child, number) => withMembers(child, number, cluster, parts[number]));
    return cluster;
  });
})();

// Which images a list, a label or a search is about; all others are drawn faint.
const contains = (cluster, image) => (cluster.parent
  ? clusterOf[image] === cluster.parent.place && childOf[image] === cluster.place
  : clusterOf[image] === cluster.place);
