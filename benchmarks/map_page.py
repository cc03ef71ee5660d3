"""How long the map of a large folder takes to write, how large it is, and how fast a browser draws it.

    python benchmarks/map_page.py [--images 50000]

The images are links to some drawn pictures, their clusters are planted.  A frame is one step of zooming in,
with all dots and pictures drawn anew, in a headless Chromium that has no graphics card to help it.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from startup import draw_folder

from augnet_cli.report.map_page import write_map
from augnet_cli.results import Cluster, ClusterResult, Spread

DRAWN = 200  # different pictures
CLUSTERS = 24
NEIGHBOURS = 6
FRAMES = 60
# Zooms in by a twentieth at each frame, then out; answers the milliseconds between frames, median and worst
# tenth, and the same of the script's own work.
ZOOM = """(async () => {
  const over = document.querySelector("#over");
  const [gaps, own] = [[], []];
  let last = 0;
  for (let frame = 0; frame < FRAMES; frame += 1) {
    const deltaY = frame < FRAMES / 2 ? -30 : 30;
    over.dispatchEvent(new WheelEvent("wheel", { deltaY, clientX: 500, clientY: 450 }));
    const now = await new Promise(requestAnimationFrame);
    if (last) gaps.push(now - last);
    own.push(Number(over.dataset.milliseconds));
    last = now;
  }
  const at = (values, share) => values.sort((a, b) => a - b)[Math.floor(share * (values.length - 1))];
  return [at(gaps, 0.5), at(gaps, 0.9), at(own, 0.5), at(own, 0.9)];
})()"""


@dataclass(frozen=True, slots=True)
class Measured:
    """`frame_ms` and `script_ms` are medians and worst tenths, of a frame and of the script's part in it."""

    seconds: float
    size_bytes: int
    side: int
    open_seconds: float
    frame_ms: tuple[float, float]
    script_ms: tuple[float, float]


def planted(folder: str, paths: list[str]) -> ClusterResult:
    """Clouds of images around middles on a plane; each image's neighbours are any others of its cloud."""
    rng = np.random.default_rng(0)
    count = len(paths)
    labels = np.sort(rng.integers(0, CLUSTERS, count)).astype(np.int32)
    middles = rng.uniform(-0.8, 0.8, (CLUSTERS, 2))
    places = np.clip(middles[labels] + 0.07 * rng.standard_normal((count, 2)), -1, 1)
    near = (np.arange(count)[:, None] + np.arange(1, NEIGHBOURS + 1)) % count
    clusters = []
    for number in range(CLUSTERS):
        members = tuple(paths[row] for row in np.flatnonzero(labels == number))
        clusters.append(
            Cluster(
                number, len(members), members[:6], members, f"planted {number}", members[0] if members else ""
            )
        )
    spread = Spread(
        paths,
        labels,
        np.full(count, -1, np.int32),
        rng.random(count).astype(np.float32),
        places.astype(np.float32),
        near.astype(np.int32),
        rng.random((count, NEIGHBOURS)).astype(np.float32),
    )
    return ClusterResult(folder, folder, "none", tuple(clusters), (), spread=spread)


def measure(n_points: int) -> Measured:
    """Write a map of so many images and open it."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "tests" / "report"))
    from chromium import chromium_tab

    with tempfile.TemporaryDirectory() as scratch:
        folder, file = Path(scratch) / "photos", Path(scratch) / "map.html"
        draw_folder(folder, DRAWN)
        drawn = sorted(os.listdir(folder))
        paths = [f"{number:07}.jpg" for number in range(n_points)]
        for number, path in enumerate(paths):
            os.link(folder / drawn[number % DRAWN], folder / path)
        result = planted(str(folder), paths)
        began = time.perf_counter()
        written = write_map(result, str(file))
        seconds = time.perf_counter() - began
        with chromium_tab() as tab:
            tab.window(1400, 900)
            began = time.perf_counter()
            tab.open(file)
            tab.wait("document.querySelector('#over').dataset.milliseconds")
            opened = time.perf_counter() - began
            median, worst, own, own_worst = tab.run(ZOOM.replace("FRAMES", str(FRAMES)))
    frames, scripts = (median, worst), (own, own_worst)
    return Measured(seconds, written.size_bytes, written.side, opened, frames, scripts)


def main() -> None:
    """Print what one map takes."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=50_000)
    print(measure(parser.parse_args().images))


if __name__ == "__main__":
    main()
