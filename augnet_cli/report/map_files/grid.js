// Points in square cells, so that what is near a place is found without looking at all of them.

const POINTS_A_CELL = 2; // about; the grid then takes as much room as the points
const MOST_RINGS = 12; // of cells looked at for a neighbour; one farther off is far enough

class Grid {
  constructor(points) {
    this.points = points;
    const bounds = boundsOf(points);
    this.left = bounds.left;
    this.bottom = bounds.bottom;
    const area = Math.max(1e-9, (bounds.right - bounds.left) * (bounds.top - bounds.bottom));
    const longest = Math.max(bounds.right - bounds.left, bounds.top - bounds.bottom, 1e-6);
    // Not finer than 1000 cells a side: points on a line have no area.
    this.cell = Math.max(Math.sqrt((area * POINTS_A_CELL) / Math.max(1, points.length)), longest / 1000);
    this.across = Math.floor((bounds.right - bounds.left) / this.cell) + 1;
    this.down = Math.floor((bounds.top - bounds.bottom) / this.cell) + 1;
    this.starts = new Int32Array(this.across * this.down + 1);
    const cells = Int32Array.from(points, (point) => this.cellOf(xs[point], ys[point]));
    for (const cell of cells) this.starts[cell + 1] += 1;
    for (let cell = 1; cell < this.starts.length; cell += 1) this.starts[cell] += this.starts[cell - 1];
    const next = this.starts.slice();
    this.held = new Int32Array(points.length);
    cells.forEach((cell, at) => {
      this.held[next[cell]] = points[at];
      next[cell] += 1;
    });
  }

  cellOf(x, y) {
    return Math.floor((y - this.bottom) / this.cell) * this.across + Math.floor((x - this.left) / this.cell);
  }

  // Calls `visit` for each point of the cells that a square touches.
  within(left, bottom, right, top, visit) {
    const from = Math.max(0, Math.floor((left - this.left) / this.cell));
    const to = Math.min(this.across - 1, Math.floor((right - this.left) / this.cell));
    const last = Math.min(this.down - 1, Math.floor((top - this.bottom) / this.cell));
    for (let row = Math.max(0, Math.floor((bottom - this.bottom) / this.cell)); row <= last; row += 1) {
      for (let cell = row * this.across + from; cell <= row * this.across + to; cell += 1) {
        for (let at = this.starts[cell]; at < this.starts[cell + 1]; at += 1) visit(this.held[at]);
      }
    }
  }

  // The point nearest to a place, at most `reach` away, that `fits`; or NONE.
  nearest(x, y, reach, fits = () => true) {
    let [best, least] = [NONE, reach];
    this.within(x - reach, y - reach, x + reach, y + reach, (point) => {
      const away = Math.hypot(xs[point] - x, ys[point] - y);
      if (away <= least && fits(point)) [best, least] = [point, away];
    });
    return best;
  }

  // How far the nearest other point is, by the longer of the two sides; `MOST_RINGS` cells at most.
  room(point) {
    let least = MOST_RINGS * this.cell;
    for (let rings = 1; rings <= MOST_RINGS && least > (rings - 1) * this.cell; rings *= 2) {
      const reach = Math.min(least, rings * this.cell);
      this.within(xs[point] - reach, ys[point] - reach, xs[point] + reach, ys[point] + reach, (other) => {
        if (other !== point) least = Math.min(least, Math.max(Math.abs(xs[other] - xs[point]), Math.abs(ys[other] - ys[point])));
      });
    }
    return least;
  }
}

function boundsOf(points) {
  const bounds = { left: Infinity, right: -Infinity, bottom: Infinity, top: -Infinity };
  for (const point of points) {
    bounds.left = Math.min(bounds.left, xs[point]);
    bounds.right = Math.max(bounds.right, xs[point]);
    bounds.bottom = Math.min(bounds.bottom, ys[point]);
    bounds.top = Math.max(bounds.top, ys[point]);
  }
  return points.length ? bounds : { left: -1, right: 1, bottom: -1, top: 1 };
}
