"""How time and memory grow from 1,000 to 1,000,000 images: a table and a plot in docs/benchmarks.md.

    python benchmarks/scaling.py --work FOLDER [--photos PHOTOS] [--largest 1000000] [--dim 128] [--draw-only]

Embedding is measured on real images: crops of those below PHOTOS, up to REAL of them; the other commands on
synthetic stores, see `synthetic_store.py`.  Each figure is a whole process, with the most memory it held.
What was measured is kept in FOLDER, a line each, and not measured again: run it as often as it takes.
"""

from __future__ import annotations

import argparse
import json
import math
import random
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from environment import timed_environment
from PIL import Image
from synthetic_store import make_store
from tables import ROOT, markdown, put

from augnet_cli.cores import usable_cores
from augnet_cli.store.place import STORE_FOLDER

SIZES = (1000, 10_000, 100_000, 1_000_000)
REAL = (1000, 5000, 20_000)
NEW = 10  # photos that are added to a folder that is known
CROP_SIDE = 160  # of the real images, in pixels
THRESHOLD = "0.03"
PLOT = ROOT / "docs" / "scaling.svg"
EMBED, WARM, ADD = "embed, nothing known", "embed, nothing new", f"embed, {NEW} new"
QUERY, PAIRS, CLUSTER = "query", "dedupe --no-verify", "cluster --anew"
COMMANDS = (EMBED, WARM, ADD, QUERY, PAIRS, CLUSTER)


@dataclass(frozen=True)
class Run:
    """One whole process: `seconds` of the clock, `cpu_seconds` of all its threads, `mb` at its largest."""

    command: str
    images: int
    seconds: float
    cpu_seconds: float
    mb: float


# To the system a process begins with the memory of the one that starts it: so a small one does.
# It prints the seconds, the CPU seconds, and the most memory in the system's own unit.
STARTER = """
import os, subprocess, sys, time
started = time.perf_counter()
process = subprocess.Popen(sys.argv[1:], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
_, status, usage = os.wait4(process.pid, 0)
print(time.perf_counter() - started, usage.ru_utime + usage.ru_stime, usage.ru_maxrss)
sys.exit(os.waitstatus_to_exitcode(status))
"""


def measured(command: str, images: int, words: list[str], home: Path) -> Run:
    """Run augnet, once."""
    program = [sys.executable, "-S", "-c", STARTER, sys.executable, "-m", "augnet_cli", *words]
    done = subprocess.run(program, env=timed_environment(home), capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise SystemExit(f"augnet {' '.join(words)}: exit status {done.returncode} {done.stderr}")
    seconds, cpu_seconds, most = map(float, done.stdout.split())
    unit = 1 if sys.platform == "darwin" else 1024  # macOS counts bytes
    return Run(command, images, seconds, cpu_seconds, most * unit / 1e6)


def crops(photos: Path, folder: Path, count: int) -> None:
    """`count` different crops of the pictures below `photos`."""
    sources = sorted(path for path in photos.rglob("*") if path.suffix.lower() in {".jpg", ".jpeg", ".png"})
    numbers = random.Random(0)
    folder.mkdir(parents=True)
    for number in range(count):
        with Image.open(sources[number % len(sources)]) as picture:
            side = min(picture.size)
            size = numbers.randint(side // 4, side // 2)
            left, top = (numbers.randint(0, full - size) for full in picture.size)
            crop = picture.convert("RGB").crop((left, top, left + size, top + size))
        crop.resize((CROP_SIDE, CROP_SIDE)).save(folder / f"{number:06}.jpg")


def on_real_images(work: Path, photos: Path, done: set[tuple[str, int]]) -> Iterator[Run]:
    for images in REAL:
        folder = work / f"real-{images}"
        if (EMBED, images) in done:
            continue
        if not folder.exists():
            crops(photos, folder, images)
        shutil.rmtree(folder / STORE_FOLDER, ignore_errors=True)
        yield measured(EMBED, images, ["embed", str(folder)], work / "home")


def on_stores(work: Path, dim: int, largest: int, done: set[tuple[str, int]]) -> Iterator[Run]:
    for images in (size for size in SIZES if size <= largest):
        folder = work / f"store-{dim}-{images}"
        make_store(folder, images, dim)
        image = str(folder / "0000" / "0000001.jpg")
        commands = {
            WARM: ["embed", str(folder)],
            QUERY: ["query", image, "--in", str(folder)],
            PAIRS: ["dedupe", str(folder), "--no-verify", "--threshold", THRESHOLD],
            CLUSTER: ["cluster", str(folder), "--anew"],
            ADD: ["embed", str(folder)],
        }
        home = work / "home"
        if any((command, images) not in done for command in commands):
            measured(WARM, images, commands[WARM], home)  # builds the index
        for command, words in commands.items():
            if (command, images) in done:
                continue
            if command == ADD:
                if (folder / "new").exists():  # of a run before: they are to be new again
                    shutil.rmtree(folder / "new")
                    measured(WARM, images, commands[WARM], home)
                crops(folder / "0000", folder / "new", NEW)
            yield measured(command, images, words, home)


def table(runs: list[Run]) -> str:
    head = ("whole process", "images", "seconds", "CPU seconds", "most memory, MB")
    ordered = sorted(runs, key=lambda run: (COMMANDS.index(run.command), run.images))
    rows = [
        (run.command, f"{run.images:,}", f"{run.seconds:.2f}", f"{run.cpu_seconds:.2f}", f"{run.mb:,.0f}")
        for run in ordered
    ]
    return markdown(head, rows)


def draw(runs: list[Run], file: Path) -> None:
    """Time and memory by number of images, both axes logarithmic."""
    import matplotlib

    matplotlib.use("svg")
    # The same figures give the same file, with its words as text.
    matplotlib.rcParams.update({"svg.hashsalt": "augnet", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(10, 4.2), layout="constrained")
    for command in COMMANDS:
        met = sorted((run for run in runs if run.command == command), key=lambda run: run.images)
        for axis, name in zip(axes, ("seconds", "mb"), strict=True):
            axis.loglog([run.images for run in met], [getattr(run, name) for run in met], "o-", label=command)
    for axis, title in zip(axes, ("seconds", "most memory, MB"), strict=True):
        axis.set(xlabel="images", title=title)
        axis.grid(True, which="major", alpha=0.3)
    axes[0].legend(fontsize="small")
    figure.savefig(file, metadata={"Date": None})


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--photos", type=Path)
    parser.add_argument("--largest", type=int, default=max(SIZES))
    parser.add_argument("--dim", type=int, default=128)
    parser.add_argument("--draw-only", action="store_true")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    log = arguments.work / f"runs-{arguments.dim}.jsonl"
    lines = log.read_text().splitlines() if log.exists() else []
    runs = [Run(**json.loads(line)) for line in lines]
    done = {(run.command, run.images) for run in runs}
    if not arguments.draw_only:
        steps = [on_stores(arguments.work, arguments.dim, arguments.largest, done)]
        if arguments.photos:
            steps.insert(0, on_real_images(arguments.work, arguments.photos, done))
        for step in steps:
            for run in step:
                runs.append(run)
                with log.open("a") as file:
                    file.write(json.dumps(asdict(run)) + "\n")
    draw(runs, PLOT)
    digits = math.log10(max(run.images for run in runs))
    note = f"{usable_cores()} cores, embeddings of {arguments.dim} numbers, up to 10^{digits:.0f} images."
    put("scaling", f"{note}\n\n{table(runs)}\n\n![Time and memory by number of images](scaling.svg)")


if __name__ == "__main__":
    main()
