"""How long whole processes take: `augnet --help`, and `augnet query` on a folder of 5,000 images.

    python benchmarks/startup.py [--images 5000] [--runs 9]

The folder holds drawn pictures; the figures are medians, with the fastest and the slowest run.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image
from tables import markdown, put

from augnet_cli.cores import usable_cores


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
    parser.add_argument("--images", type=int, default=5000)
    parser.add_argument("--runs", type=int, default=9)
    arguments = parser.parse_args()
    augnet = [str(Path(sys.executable).parent / "augnet")]
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary) / "photos"
        draw_folder(folder, arguments.images)
        environment = os.environ | {"AUGNET_HOME": str(Path(temporary) / "home")}
        subprocess.run([*augnet, "embed", str(folder), "--quiet"], check=True, env=environment)
        query = [*augnet, "query", str(folder / "000042.jpg"), "--k", "10", "--quiet"]
        cases = {
            "python -c pass": [sys.executable, "-c", "pass"],
            "augnet --help": [*augnet, "--help"],
            f"augnet query, {arguments.images:,} images": query,
            f"augnet dedupe, {arguments.images:,} images, unchanged": [
                *augnet,
                "dedupe",
                str(folder),
                "--quiet",
            ],
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
