// Sheets of pictures: decoded when one of their pictures is wanted, let go when none was for a while.

const SHEETS_HELD = 12; // of 16 MB each; those in use are held whatever their number
const UNUSED_MS = 4000;
const MOST_GROWTH = 4; // of an icon; larger it is only blurred
const heldSheets = new Map(); // number: bitmap or null while it is decoded, when it was used, who waits

function decodedSheet(number, then) {
  let sheet = heldSheets.get(number);
  if (!sheet) {
    sheet = { bitmap: null, used: 0, waiting: new Set() };
    heldSheets.set(number, sheet);
    decodeSheet(number, sheet);
  }
  sheet.used = performance.now();
  if (!sheet.bitmap) sheet.waiting.add(then);
  return sheet.bitmap;
}

async function decodeSheet(number, sheet) {
  const text = atob(data.sheets[number]);
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at += 1) bytes[at] = text.charCodeAt(at);
  sheet.bitmap = await createImageBitmap(new Blob([bytes], { type: data.media }));
  letGo();
  for (const then of sheet.waiting) then();
  sheet.waiting.clear();
}

function letGo() {
  const longAgo = performance.now() - UNUSED_MS;
  const unused = [...heldSheets].filter(([, sheet]) => sheet.bitmap && sheet.used < longAgo);
  unused.sort((a, b) => a[1].used - b[1].used);
  for (const [number, sheet] of unused.slice(0, Math.max(0, heldSheets.size - SHEETS_HELD))) {
    sheet.bitmap.close();
    heldSheets.delete(number);
  }
}

// Draws a picture, or calls `then` once it can be drawn.
function drawPicture(pen, picture, x, y, width, height, then) {
  const cells = data.across * data.across;
  const bitmap = decodedSheet(Math.floor(picture.cell / cells), then);
  if (!bitmap) return false;
  const place = picture.cell % cells;
  const [left, top] = [(place % data.across) * data.side, Math.floor(place / data.across) * data.side];
  pen.drawImage(bitmap, left, top, picture.across, picture.down, x, y, width, height);
  return true;
}

// A picture as an element, or the reason why there is none: whole and at most `side` pixels long, or where it is to be
// `square` cut to one of that side.
function pictureElement(image, side, square = false) {
  const picture = pictureOf(image);
  if (!picture || picture.reason) {
    const words = picture ? "can't be shown" : "no picture here";
    return make("span", { class: "broken", title: picture?.reason ?? null }, make("span", {}, words), make("small", {}, picture?.reason ?? ""));
  }
  const grain = window.devicePixelRatio || 1;
  const scale = square ? side / Math.min(picture.across, picture.down) : Math.min(side / Math.max(picture.across, picture.down), MOST_GROWTH);
  const [wide, high] = [picture.across * scale, picture.down * scale];
  const [width, height] = square ? [side, side] : [Math.round(wide), Math.round(high)];
  const canvas = make("canvas", { width: Math.round(width * grain), height: Math.round(height * grain), "data-image": image });
  canvas.style.width = `${width}px`;
  canvas.style.height = `${height}px`;
  const fill = () => {
    const brush = canvas.getContext("2d");
    brush.setTransform(grain, 0, 0, grain, 0, 0);
    brush.imageSmoothingQuality = "high";
    if (drawPicture(brush, picture, (width - wide) / 2, (height - high) / 2, wide, high, fill)) canvas.dataset.drawn = "";
  };
  fill();
  return canvas;
}
