"""Folders to time `augnet dedupe` on, and the times of whole runs taken in turn; for `verified.py`."""

from __future__ import annotations

import io
import os
import random
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from altered import image_files
from copies import Change, benchmark_changes, unpacked
from found import dedupe_command
from labelled import DATA, members
from PIL import Image

COPIES = 0.05  # share of altered copies in the mixed folder
SEED = 0
# What fills the mixed folder up beside the benchmark's photos and the birds: photographs of places and
# things, near scenes among them.  Drawings, and collections that hold altered copies themselves, stay out.
OTHERS = {
    "train-photos-1.tar": ("imagenette/", "landscape/"),
    "train-photos-2.tar": ("flickr/", "venice/"),
}
QUALITY = 92  # of the altered copies, as in the benchmark
# fastdup as it comes.  Its own run alone is timed, neither Python's start nor its imports: a second or two in
# its favour.  The last line tells the seconds.
FASTDUP = """
import sys, time
import fastdup
started = time.perf_counter()
run = fastdup.create(work_dir=sys.argv[2], input_dir=sys.argv[1])
run.run(overwrite=True, print_summary=False)
print(time.perf_counter() - started)
"""


@dataclass(frozen=True)
class Photo:
    """An image file: its suffix and its bytes."""

    suffix: str
    data: bytes


def mixed_folder(work: Path, count: int) -> Path:
    """`count` images of which COPIES are altered copies of others among them; made once per work folder."""
    folder = work / f"mixed-{count}"
    if not folder.exists():
        rng = random.Random(SEED)
        own = [
            Photo(path.suffix, path.read_bytes())
            for name in ("photos-neardup", "birds-by-species")
            for path in image_files(unpacked(work, name))
        ]
        others = [
            Photo(Path(path).suffix, data)
            for archive, collections in OTHERS.items()
            for path, data in members(DATA / archive)
            if path.startswith(collections)
        ]
        copies = round(COPIES * count)
        photos = rng.sample(own, min(len(own), count - copies))
        photos += rng.sample(others, count - copies - len(photos))
        with tempfile.TemporaryDirectory(dir=work) as part:
            write_mixed(Path(part) / "photos", photos, copies, benchmark_changes(), rng)
            (Path(part) / "photos").rename(folder)
    return folder


def write_mixed(
    folder: Path, photos: Sequence[Photo], copies: int, changes: Mapping[str, Change], rng: random.Random
) -> None:
    """Write photos and altered copies of some of them, the kinds of change in turn, in any order."""
    files = list(photos)
    kinds = list(changes)
    for number, photo in enumerate(rng.sample(photos, copies)):
        image = Image.open(io.BytesIO(photo.data)).convert("RGB")
        file = io.BytesIO()
        changes[kinds[number % len(kinds)]](image, rng).save(file, "JPEG", quality=QUALITY)
        files.append(Photo(".jpg", file.getvalue()))
    rng.shuffle(files)
    folder.mkdir()
    for number, each in enumerate(files):
        (folder / f"img_{number:06}{each.suffix}").write_bytes(each.data)


def benchmark_twin(bench: Path, work: Path) -> Path:
    """The benchmark's images once more, as hard links: here a store may go that nobody else works with."""
    twin = work / f"{bench.name}-timed"
    if not twin.exists():
        with tempfile.TemporaryDirectory(dir=work) as part:
            shutil.copytree(bench / "photos", Path(part) / "twin" / "photos", copy_function=os.link)
            (Path(part) / "twin").rename(twin)
    return twin


def first_run(folder: Path, options: Sequence[str], environment: Mapping[str, str]) -> float:
    """Seconds of `augnet dedupe` on a folder it has never seen."""
    shutil.rmtree(folder / ".augnet", ignore_errors=True)
    return next_run(folder, options, environment)


def next_run(folder: Path, options: Sequence[str], environment: Mapping[str, str]) -> float:
    """Seconds of `augnet dedupe` on a folder as it is, the whole process."""
    started = time.perf_counter()
    subprocess.run(
        dedupe_command(folder, options), check=True, stdout=subprocess.DEVNULL, env=dict(environment)
    )
    return time.perf_counter() - started


def fastdup_run(python: str, photos: Path, work: Path) -> float:
    """Seconds of fastdup's run, in a Python that has it; what it wrote before goes first."""
    out = work / "fastdup-timed"
    shutil.rmtree(out, ignore_errors=True)
    # It would wait for a server to take its reports.
    environment = os.environ | {"SENTRY_OPT_OUT": "1"}
    command = [python, "-c", FASTDUP, str(photos), str(out)]
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True, env=environment)
    return float(done.stdout.split()[-1])


def in_turn(work: Mapping[str, Callable[[], float]], rounds: int) -> dict[str, list[float]]:
    """The seconds that each kind of work says it took, once a round.

    One after another in every round, so that a busy minute of the machine strikes all alike; a first round,
    which warms the disk's cache, is not counted.
    """
    seconds: dict[str, list[float]] = {name: [] for name in work}
    for number in range(rounds + 1):
        for name, run in work.items():
            took = run()
            if number:
                seconds[name].append(took)
    return seconds


def time_rows(seconds: Mapping[str, Sequence[float]]) -> list[tuple[str, ...]]:
    """Median, fastest, slowest, and the median beside that of the first kind of work."""
    medians = {name: statistics.median(each) for name, each in seconds.items()}
    first = next(iter(medians.values()))
    return [
        (name, f"{medians[name]:.1f}", f"{min(each):.1f}", f"{max(each):.1f}", f"{medians[name] / first:.2f}")
        for name, each in seconds.items()
    ]
