// Names of clusters near the middle of their images, the largest first; one that finds no place is left out.

const LABEL = { height: 28, picture: 22, pad: 6, gap: 6, most: 190, apart: 4 };
const FONT = '600 12.5px system-ui, "Segoe UI", Roboto, "Helvetica Neue", Arial, "DejaVu Sans", sans-serif';
const labelBoxes = []; // of the last frame, for the pointer: cluster and its box
const labelTexts = new Map(); // cluster: text as it is cut, and its width

function labelText(pen, cluster) {
  if (!labelTexts.has(cluster)) {
    let text = cluster.title;
    while (text.length > 1 && pen.measureText(text).width > LABEL.most) text = `${text.slice(0, -2)}…`;
    labelTexts.set(cluster, { text, width: pen.measureText(text).width });
  }
  return labelTexts.get(cluster);
}

// The clusters that are named now: all, or the one that is open with its parts, and one that is pointed at.
function labelled() {
  const open = chosen.cluster;
  if (!open) return clusters;
  const parts = (open.parent ?? open).children.filter((part) => part !== open);
  return [...new Set([pointed.cluster ?? open, open, ...parts])];
}

function placeLabels(pen) {
  labelBoxes.length = 0;
  const openBox = drawnPictures.find(({ image }) => image === chosen.image); // no name lies on the picture that is open
  for (const cluster of labelled()) {
    if (!cluster.members.length) continue;
    const { text, width } = labelText(pen, cluster);
    const wide = LABEL.pad + LABEL.picture + LABEL.gap + width + LABEL.pad + 2;
    const [x, y] = [across(cluster.x), down(cluster.y)];
    if (x < 0 || y < 0 || x > view.width || y > view.height) continue;
    const step = LABEL.height + LABEL.apart;
    const tries = [[0, 0], [0, -step], [0, step], [-wide / 2, 0], [wide / 2, 0], [0, -2 * step], [0, 2 * step]];
    for (const [dx, dy] of tries) {
      const left = Math.min(Math.max(x + dx - wide / 2, 4), view.width - wide - 4);
      const top = Math.min(Math.max(y + dy - LABEL.height / 2, 4), view.height - LABEL.height - 4);
      const box = { cluster, text, left, top, width: wide, height: LABEL.height };
      if (labelBoxes.every((other) => apart(box, other)) && (!openBox || apart(box, openBox))) {
        labelBoxes.push(box);
        break;
      }
    }
  }
}

const apart = (one, other) => one.left + one.width + LABEL.apart <= other.left || other.left + other.width + LABEL.apart <= one.left
  || one.top + one.height + LABEL.apart <= other.top || other.top + other.height + LABEL.apart <= one.top;

function paintLabels(pen, colours) {
  pen.font = FONT;
  pen.textBaseline = "middle";
  placeLabels(pen);
  for (const box of labelBoxes) paintLabel(pen, box, colours);
  pen.globalAlpha = 1;
}

function paintLabel(pen, { cluster, text, left, top, width, height }, colours) {
  const about = pointed.cluster ?? chosen.cluster;
  const kin = !about || about === cluster || cluster.parent === about || (about.parent && cluster.parent === about.parent);
  pen.globalAlpha = kin && (!found || about) ? 0.94 : 0.55;
  pen.fillStyle = colours.card;
  pen.strokeStyle = about === cluster ? colours.ink : colours.rule;
  pen.lineWidth = about === cluster ? 1.5 : 1;
  pen.beginPath();
  pen.roundRect(left + 0.5, top + 0.5, width - 1, height - 1, 8);
  pen.fill();
  pen.stroke();
  const [x, y] = [left + LABEL.pad - 2, top + (height - LABEL.picture) / 2];
  pen.fillStyle = colourOf(cluster);
  pen.beginPath();
  pen.roundRect(x, y, LABEL.picture, LABEL.picture, 5);
  pen.fill();
  pen.save();
  pen.beginPath();
  pen.roundRect(x + 2, y + 2, LABEL.picture - 4, LABEL.picture - 4, 3.5);
  pen.clip();
  paintMedoid(pen, cluster, x + 2, y + 2, LABEL.picture - 4);
  pen.restore();
  pen.fillStyle = colours.ink;
  pen.fillText(text, x + LABEL.picture + LABEL.gap, top + height / 2 + 0.5);
}

// The picture in the middle of the cluster, cut to a square.
function paintMedoid(pen, cluster, x, y, side) {
  const picture = cluster.medoid === NONE ? null : pictureOf(cluster.medoid);
  if (!picture || picture.reason) return;
  const scale = side / Math.min(picture.across, picture.down);
  const [width, height] = [picture.across * scale, picture.down * scale];
  drawPicture(pen, picture, x - (width - side) / 2, y - (height - side) / 2, width, height, repaint);
}

const labelAt = (px, py) => labelBoxes.find(({ left, top, width, height }) => px >= left && py >= top && px <= left + width && py <= top + height)?.cluster ?? null;
