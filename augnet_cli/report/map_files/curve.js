// How well the images fall into more or fewer clusters, as a small chart: what the number was chosen by.

const CHART = { width: 340, height: 132, left: 30, right: 62, top: 10, bottom: 24 };
const LINES = [
  { name: "score", column: 3, class: "score" },
  { name: "stability", column: 1, class: "stability" },
  { name: "silhouette", column: 2, class: "silhouette" },
];

function curveChart(points, chosenCount) {
  const { width, height, left, right, top, bottom } = CHART;
  const ks = points.map(([k]) => Math.log(k)); // the step from 2 to 4 matters as much as that from 20 to 40
  const values = points.flatMap((point) => LINES.map(({ column }) => point[column]));
  const [low, high] = [Math.min(0, ...values), Math.max(0.1, ...values)];
  const x = (k) => left + ((Math.log(k) - ks[0]) / Math.max(1e-9, ks.at(-1) - ks[0])) * (width - left - right);
  const y = (value) => top + ((high - value) / (high - low)) * (height - top - bottom);
  const chart = draw("svg", { class: "chart", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": chartWords(points, chosenCount) });
  for (const value of [low, (low + high) / 2, high]) {
    chart.append(draw("path", { class: "rule", d: `M${left} ${y(value).toFixed(1)}H${width - right}` }));
    chart.append(draw("text", { x: left - 6, y: y(value) + 3, class: "end" }, value.toFixed(2)));
  }
  for (const k of ticks(points, x)) chart.append(draw("text", { x: x(k), y: height - 8, class: "middle" }, String(k)));
  if (points.some(([k]) => k === chosenCount)) chart.append(draw("path", { class: "chosen", d: `M${x(chosenCount).toFixed(1)} ${top}V${height - bottom}` }));
  const ends = apartFrom(LINES.map(({ column }) => y(points.at(-1)[column])));
  LINES.forEach((line, at) => {
    const d = points.map((point, place) => `${place ? "L" : "M"}${x(point[0]).toFixed(1)} ${y(point[line.column]).toFixed(1)}`).join("");
    chart.append(draw("path", { class: `line ${line.class}`, d }), draw("text", { x: width - right + 6, y: ends[at] + 3, class: line.class }, line.name));
  });
  return chart;
}

const chartWords = (points, chosenCount) => `Score, stability and silhouette for ${points[0][0]} to ${points.at(-1)[0]} clusters; ${chosenCount} were made.`;

// Numbers of clusters that are written below, as many as do not touch.
function ticks(points, x) {
  const kept = [];
  for (const [k] of points) if (!kept.length || x(k) - x(kept.at(-1)) > 22) kept.push(k);
  return kept;
}

// Heights of the names at the ends of the lines, moved apart where they would touch.
function apartFrom(heights) {
  const order = heights.map((_, at) => at).sort((a, b) => heights[a] - heights[b]);
  const moved = [...heights];
  order.forEach((at, place) => {
    if (place) moved[at] = Math.max(moved[at], moved[order[place - 1]] + 11);
  });
  return moved;
}

function curvePart() {
  if (!data.curve.length) return null;
  const title = data.chosen ? `Why ${count(clusters.length, "cluster")}` : "Other numbers of clusters";
  const words = "Stability: how much resampled halves of the images agree. Silhouette: how much nearer an image is to its own cluster than to the next.";
  return make("details", { class: "why" }, make("summary", {}, title), curveChart(data.curve, clusters.length), make("p", { class: "facts" }, words));
}
