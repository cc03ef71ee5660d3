// All images as dots, written pixel by pixel: of 50,000 dots that takes a tenth of the time of drawing each.

const SUBSTEPS = 2; // places of a dot between two pixels, each way, so that slow zooming does not shake
const MANY = 50000;

const dotsCanvas = byId("dots");
const dotsPen = dotsCanvas.getContext("2d", { willReadFrequently: true, alpha: false });
let paper = null; // ImageData of the canvas, and its pixels as whole numbers
let pixels = null;
const stamps = new Map(); // radius in pixels: for each substep the offsets and shares of the pixels it touches
let colourTable = null;

// Dots of a few hundred images are large, of many thousands small, and grow a little as one comes closer.
function dotRadius() {
  const few = 4.5 - 2.7 * Math.min(1, Math.log10(Math.max(total, 100) / 100) / Math.log10(MANY / 100));
  return Math.min(6, few * Math.max(1, zoom()) ** 0.22);
}

// The pixels under a disc: `shares` of 256 that are dot, and how far they are from its middle pixel.
function stampOf(radius, stride) {
  const key = `${radius.toFixed(2)} ${stride}`;
  if (!stamps.has(key)) {
    if (stamps.size > 200) stamps.clear();
    const reach = Math.ceil(radius + 1);
    const all = [];
    for (let sub = 0; sub < SUBSTEPS * SUBSTEPS; sub += 1) {
      const [subX, subY] = [(sub % SUBSTEPS) / SUBSTEPS, Math.floor(sub / SUBSTEPS) / SUBSTEPS];
      const [offsets, shares] = [[], []];
      for (let y = -reach; y <= reach; y += 1) {
        for (let x = -reach; x <= reach; x += 1) {
          const share = Math.min(1, Math.max(0, radius + 0.5 - Math.hypot(x - subX, y - subY)));
          if (share > 0.02) {
            offsets.push(y * stride + x);
            shares.push(Math.round(share * 256));
          }
        }
      }
      all.push({ offsets: Int32Array.from(offsets), shares: Int32Array.from(shares) });
    }
    stamps.set(key, { all, reach });
  }
  return stamps.get(key);
}

// Colours of clusters and, at the end, of noise: as looked at, and faint.
function fillColourTable() {
  const base = ground();
  const table = (share) => [...clusters, null].map((cluster) => channels(mixed(colourOf(cluster), base, share)));
  const [r, g, b] = channels(base);
  colourTable = { strong: table(0), faint: table(FAINT), paper: 0xff000000 | (b << 16) | (g << 8) | r };
}

function paintDots() {
  const [width, height] = [Math.round(view.width * view.grain), Math.round(view.height * view.grain)];
  if (!paper || paper.width !== width || paper.height !== height) {
    Object.assign(dotsCanvas, { width, height });
    paper = dotsPen.createImageData(width, height);
    pixels = new Uint32Array(paper.data.buffer);
    stamps.clear();
  }
  pixels.fill(colourTable.paper);
  const all = strongCount === total;
  if (!all) stampAll(colourTable.faint, 0, 1);
  stampAll(colourTable.strong, 1, all || strongCount > total / 2 ? 1 : 1.25);
  dotsPen.putImageData(paper, 0, 0);
}

// Stamps the images whose `strong` is `which`; those that are drawn as pictures are left out.
function stampAll(colours, which, growth) {
  const { width, height } = paper;
  const { all, reach } = stampOf(dotRadius() * view.grain * growth, width);
  const scale = view.scale * view.grain;
  const [left, top] = [width / 2 - view.x * scale, height / 2 + view.y * scale];
  for (let image = 0; image < total; image += 1) {
    if (strong[image] !== which) continue;
    const px = left + xs[image] * scale;
    const py = top - ys[image] * scale;
    const x = Math.floor(px);
    const y = Math.floor(py);
    if (x < reach || y < reach || x >= width - reach || y >= height - reach || covered[image]) continue;
    const sub = Math.floor((py - y) * SUBSTEPS) * SUBSTEPS + Math.floor((px - x) * SUBSTEPS);
    const cluster = clusterOf[image];
    stamp(all[sub], y * width + x, colours[cluster === NONE ? colours.length - 1 : cluster]);
  }
}

function stamp({ offsets, shares }, at, colour) {
  const red = colour[0];
  const green = colour[1];
  const blue = colour[2];
  const opaque = 0xff000000 | (blue << 16) | (green << 8) | red;
  for (let each = 0; each < offsets.length; each += 1) {
    const place = at + offsets[each];
    const share = shares[each];
    if (share === 256) {
      pixels[place] = opaque;
      continue;
    }
    const under = pixels[place];
    const r = under & 255;
    const g = (under >> 8) & 255;
    const b = (under >> 16) & 255;
    pixels[place] = 0xff000000
      | ((b + (((blue - b) * share) >> 8)) << 16)
      | ((g + (((green - g) * share) >> 8)) << 8)
      | (r + (((red - r) * share) >> 8));
  }
}
