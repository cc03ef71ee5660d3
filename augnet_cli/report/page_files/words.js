// What the page says in words.

const LEAST_CHANGE = 0.005; // share of a picture that is worth a word

const nameOf = (image) => image.shown ?? image.path;
const addressOf = (image) => data.folder + (image.href ?? image.path);

// The part of a shape that lies in a frame from (0, 0): each side of the frame cuts off what is beyond it.
function within(shape, { width, height }) {
  const inside = [([x]) => x, ([x]) => width - x, ([, y]) => y, ([, y]) => height - y];
  return inside.reduce((left, depth) => left.flatMap((to, place) => {
    const from = left.at(place - 1);
    const [before, after] = [depth(from), depth(to)];
    const part = before / (before - after);
    const crossing = [from[0] + part * (to[0] - from[0]), from[1] + part * (to[1] - from[1])];
    return [...(before < 0 !== after < 0 ? [crossing] : []), ...(after < 0 ? [] : [to])];
  }), shape);
}

const areaOf = (shape) => Math.abs(shape.reduce((sum, [x, y], place) => {
  const [fromX, fromY] = shape.at(place - 1);
  return sum + (fromX * y - x * fromY) / 2;
}, 0));

// How much of its witness a copy covers, of its area; and how large the witness appears in the copy.
function geometry(pair) {
  const copy = data.images[pair.image];
  const witness = data.images[pair.witness];
  if (!pair.transform || !copy.width || !witness.width) return null;
  const [a, b, c, d, e, f] = pair.transform.matrix;
  const growth = Math.abs(a * e - b * d);
  const at = (x, y) => [a * x + b * y + c, d * x + e * y + f];
  const corners = [at(0, 0), at(copy.width, 0), at(copy.width, copy.height), at(0, copy.height)];
  return { corners, growth, share: areaOf(within(corners, witness)) / (witness.width * witness.height) };
}

function turnWords(degrees) {
  const size = Math.abs(degrees);
  const figure = Number(size.toFixed(size < 10 ? 1 : 0));
  return figure === 180 ? "180°" : `${figure}° ${degrees > 0 ? "left" : "right"}`;
}

// The words of a verdict, each with what the transform adds to it.
function verdictWords(pair) {
  const found = geometry(pair);
  return pair.verdict.map((word) => {
    if (word === "cropped" && found && found.share < 1) return `cropped to ${percent(found.share)}`;
    if (word === "resized" && found && found.growth > 0) return `resized to ${percent(1 / Math.sqrt(found.growth))}`;
    if (word === "rotated" && pair.transform) return `rotated ${turnWords(pair.transform.degrees)}`;
    // Blur and noise change no part more than the others.
    if (word === "edited" && pair.transform && pair.transform.changed >= LEAST_CHANGE) return `edited, ${percent(pair.transform.changed)} differs`;
    return plainWord(word);
  });
}

function plainWord(word) {
  if (word === "near") return "near, not verified";
  if (word === "unverified") return "not verified";
  return word.startsWith("identical-") ? word.replace("-", " ") : word;
}

// What a picture's caption says of its file.
function fileWords(image) {
  const pixels = image.width ? `${english.format(image.width)} × ${english.format(image.height)}` : "size unknown";
  return `${pixels}, ${image.bytes ? sizeWords(image.bytes) : "gone"}`;
}
