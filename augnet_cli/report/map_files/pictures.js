// Pictures in place of dots, where there is room.  Each has a level, a half-octave of zoom, from which on no picture
// shown before it is in its way; so none overlaps another, and which are shown depends on the zoom alone.

const PICTURE = 56; // pixels on the screen when a picture appears
const LARGEST = Math.max(64, Math.min(120, data.side * 1.25)); // what it grows to where it stands alone
const STEP = Math.SQRT2; // of zoom from level to level
const LEVELS = Math.ceil(Math.log(MOST_ZOOM) / Math.log(STEP));
const WORTH_A_LOOK = 0.14; // share of the pictures that must find room before any is shown
const ENOUGH = 8; // pictures, where a cluster is open or images were found: then one wants to see them
const GROWING = 0.4; // of a level, in which its new pictures grow to their size
const FRAME = 1.5;
const OPENED = 84; // pixels of the picture that is open, wherever it lies

const covered = new Uint8Array(total); // whether an image is drawn as a picture
const drawnPictures = []; // of the last frame, for the pointer: image and its box
let levels = null; // of the cells, Infinity where a picture never finds room
let rooms = null; // how far the nearest other picture is, in units of the map
let firstLevel = 0;
let picturesWanted = true;

// Among the images that `fits`: where a cluster is open, or images were found, they have the map to themselves.
function findLevels(fits, some) {
  levels = new Float64Array(imageIn.length).fill(Infinity);
  let waiting = data.pictures.map((_, cell) => cell).filter((cell) => !data.pictures[cell][6] && fits(imageIn[cell]));
  const among = new Grid(waiting.map((cell) => imageIn[cell]));
  rooms = Float64Array.from(imageIn, (image) => (fits(image) ? among.room(image) : 0));
  const usable = waiting.length;
  const placed = [];
  firstLevel = Infinity;
  for (let level = 0; level <= LEVELS && waiting.length; level += 1) {
    const side = PICTURE / (view.fit * STEP ** level);
    const taken = new Map();
    const key = (column, row) => row * 1e6 + column;
    const at = (image) => [Math.floor((xs[image] + 2) / side), Math.floor((ys[image] + 2) / side)];
    const put = (image) => {
      const [column, row] = at(image);
      taken.set(key(column, row), image); // at most one fits a square of its own side
    };
    const free = (image) => {
      const [column, row] = at(image);
      for (let beside = -1; beside <= 1; beside += 1) {
        for (let above = -1; above <= 1; above += 1) {
          const other = taken.get(key(column + beside, row + above));
          if (other !== undefined && Math.max(Math.abs(xs[image] - xs[other]), Math.abs(ys[image] - ys[other])) < side) return false;
        }
      }
      return true;
    };
    for (const cell of placed) put(imageIn[cell]);
    waiting = waiting.filter((cell) => {
      if (!free(imageIn[cell])) return true;
      put(imageIn[cell]);
      levels[cell] = level;
      placed.push(cell);
      return false;
    });
    if (firstLevel === Infinity && placed.length >= Math.min(WORTH_A_LOOK * usable, some ? ENOUGH : Infinity)) firstLevel = level;
  }
}

// What is drawn as a picture now, and how large; to be called before the dots are painted.
function choosePictures() {
  for (const { image } of drawnPictures) covered[image] = 0;
  drawnPictures.length = 0;
  choosePicturesWithRoom();
  const own = chosen.image === NONE ? null : pictureOf(chosen.image);
  if (own && !own.reason) showPicture(chosen.image, OPENED);
}

function choosePicturesWithRoom() {
  const level = Math.log(zoom()) / Math.log(STEP);
  if (!picturesWanted || level < firstLevel || !levels) return;
  const within = Math.floor(level);
  const young = Math.min(1, 0.45 + (0.55 * (level - within)) / GROWING);
  const side = PICTURE * STEP ** (level - within);
  for (let cell = 0; cell < levels.length; cell += 1) {
    if (levels[cell] > within) continue;
    const image = imageIn[cell];
    const x = across(xs[image]);
    const y = down(ys[image]);
    if (x < -LARGEST || y < -LARGEST || x > view.width + LARGEST || y > view.height + LARGEST) continue;
    const alone = Math.min(LARGEST, rooms[cell] * view.scale);
    const grown = within > firstLevel && levels[cell] === within ? young : 1;
    if (image !== chosen.image) showPicture(image, Math.max(side, alone) * grown);
  }
}

function showPicture(image, side) {
  drawnPictures.push({ image, side, x: across(xs[image]), y: down(ys[image]) });
  covered[image] = strong[image];
}

function paintPictures(pen) {
  // Those that are not looked at lie below, faint.
  for (const which of [0, 1]) {
    for (const box of drawnPictures) if (strong[box.image] === which) paintPicture(pen, box, which);
  }
  pen.globalAlpha = 1;
}

function paintPicture(pen, box, which) {
  const picture = pictureOf(box.image);
  const scale = (box.side - 4) / Math.max(picture.across, picture.down);
  const [width, height] = [picture.across * scale, picture.down * scale];
  Object.assign(box, { left: box.x - width / 2, top: box.y - height / 2, width, height });
  pen.globalAlpha = which ? 1 : 0.16;
  pen.fillStyle = colourOf(clusterAt(box.image));
  pen.fillRect(box.left - FRAME, box.top - FRAME, width + 2 * FRAME, height + 2 * FRAME);
  drawPicture(pen, picture, box.left, box.top, width, height, repaint);
}

function pictureAt(px, py) {
  const hit = drawnPictures.findLast(({ left, top, width, height }) => px >= left && py >= top && px <= left + width && py <= top + height);
  return hit ? hit.image : NONE;
}
