"""How long whole processes take: `--help`, `query` on 100,000 images, `dedupe` of 10,000 unchanged ones.

    python benchmarks/startup.py [--images 10000] [--runs 9]

The folder holds drawn pictures, the one for `query` synthetic embeddings; the figures are medians, with the
fastest and the slowest run.
"""

from __future__ import annotations

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from environment import timed_environment
from PIL import Image
from synthetic_store import make_store
from tables import markdown, put

from augnet_cli.cores import usable_cores
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder

SEARCHED = 100_000  # images of the store that is asked


def draw_folder(folder: Path, count: int) -> None:
    """`count` smooth random JPEGs of 320 x 240."""
    rng = np.random.default_rng(0)
    folder.mkdir(parents=True)
    for number in range(count):
        coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        Image.fromarray(coarse).resize((320, 240), Image.Resampling.BICUBIC).save(folder / f"{number:06}.jpg")


def timed(command: list[str], runs: int, environment: dict[str, str]) -> list[float]:
    """Seconds of each run, after one that warms the disk's cache."""
    seconds = []
    for _ in range(runs + 1):
        started = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        seconds.append(time.perf_counter() - started)
    return seconds[1:]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    augnet = [sys.executable, "-m", "augnet_cli"]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        draw_folder(folder, arguments.images)
        environment = timed_environment(Path(temporary) / "home")
        subprocess.run([*augnet, "embed", str(folder), "--quiet"], check=True, env=environment)
        store = Path(temporary) / "store"
        make_store(store, SEARCHED, Embedder.load(shipped_encoder()).dim)
        subprocess.run([*augnet, "embed", str(store), "--quiet"], check=True, env=environment)
        image = str(folder / "000042.jpg")
        dedupe = [*augnet, "dedupe", str(folder), "--quiet"]
        subprocess.run(dedupe, check=True, env=environment, stdout=subprocess.DEVNULL)
        cases = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "augnet --help": [*augnet, "--help"],
            f"augnet query, {SEARCHED:,} images": [*augnet, "query", image, "--in", str(store), "--quiet"],
            f"augnet dedupe --no-verify, {arguments.images:,} images, unchanged": [*dedupe, "--no-verify"],
            f"augnet dedupe, {arguments.images:,} images, unchanged": dedupe,
        }
        times = {name: timed(command, arguments.runs, environment) for name, command in cases.items()}
    rows = [
        (name, f"{statistics.median(seconds):.2f}", f"{min(seconds):.2f}", f"{max(seconds):.2f}")
        for name, seconds in times.items()
    ]
    text = markdown((f"whole process, {usable_cores()} cores", "median s", "fastest", "slowest"), rows)
    put("startup", text)


if __name__ == "__main__":
    main()
