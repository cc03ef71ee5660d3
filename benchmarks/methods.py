"""Every training method on labelled sets: clusters and look-alikes of images that none was trained on.

    python benchmarks/methods.py --work FOLDER [--sets cifar10 birds digits] [--methods ...] [--seeds 0 1 2]

CIFAR-10 and digits: a fifth of each class is set apart to judge.  Birds: one half of the species is trained
on, the other judged, so that no class is seen twice.  Each cell is `augnet train` and `augnet evaluate` as a
user would run them, each on one core; as many cells run side by side as there are cores.  The row that others
start from is trained for longer and once, with the first seed, and judged with each.  What was measured
stays in FOLDER and is not measured again: run it as often as it takes.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from environment import timed_environment
from labelled import DATA, digits, members
from tables import ROOT, markdown, put, spread

from augnet_cli.cores import usable_cores

JUDGED_EVERY = 5  # image of a class of CIFAR-10
EVALUATED_EVERY = 4  # epochs, for the curves
FIRST_SEED = 0  # of what is trained once
# By protocol and name there, and in the table.
FIGURES = {
    "clustering acc": "ACC",
    "clustering nmi_arithmetic": "NMI",
    "clustering ari": "ARI",
    "retrieval recall_at_1": "R@1",
    "retrieval recall_at_2": "R@2",
    "retrieval recall_at_4": "R@4",
    "retrieval recall_at_8": "R@8",
}
CURVES = {"acc": "ACC of k-means on the judged images", "recall_at_1": "R@1 on the judged images"}


@dataclass(frozen=True)
class Set:
    """One labelled set: the network that suits its images, and how many clusters SCAN is asked for."""

    archive: str  # of ../shared/data; "" for scikit-learn's digits
    network: tuple[str, ...]
    clusters: int
    by_class: bool  # whether whole classes are set apart to judge


SETS = {
    "cifar10": Set("cifar10.tar", ("--backbone", "resnet18_stl", "--width", "16", "--size", "32"), 10, False),
    "birds": Set(
        "birds-by-species.tar", ("--backbone", "resnet18", "--width", "32", "--size", "64"), 50, True
    ),
    "digits": Set("", ("--backbone", "resnet18_stl", "--width", "16", "--size", "32"), 10, False),
}


@dataclass(frozen=True)
class Row:
    """One row of the table: a training, and the row whose encoder it starts from."""

    name: str
    method: str
    options: tuple[str, ...] = ()
    start: str | None = None  # name of a row, or SHIPPED; None: random weights
    times: float = 1.0  # as much time as the others
    once: bool = False  # trained with the first seed alone; k-means judges with each
    length: tuple[str, ...] = ()  # in place of minutes
    words: tuple[str, ...] = ()  # further options of `augnet train`

    @property
    def slug(self) -> str:
        return self.name.replace(",", "").replace(" ", "-")


START = "simclr"
SHIPPED = "shipped"  # augnet's own encoder, which saw no CIFAR-10, but most of the birds, without labels
ROWS = (
    Row("copies", "copies"),
    Row("augnet", "augnet"),
    # Others go on from it, and clusters of an encoder that knows nothing mean nothing.
    Row(START, "simclr", times=10, once=True),
    Row("simclr, as short as the others", "simclr"),
    Row("rotnet", "rotnet"),
    Row("instance", "instance"),
    Row("decouple", "decouple"),
    # Views and rate are those that bring SCAN's loss down, which asks no label, in the few steps there are.
    Row(
        "scan, clusters",
        "scan",
        ("stages=cluster", "clusters={clusters}", "views_like=simclr", "cluster_lr=0.0003"),
        START,
        times=2,
    ),
    # The encoder stays as it is, so that its row is what k-means makes of it.
    Row(
        "scan, heads alone",
        "scan",
        ("stages=cluster", "clusters={clusters}", "views_like=simclr", "head_only=true", "heads=4"),
        SHIPPED,
    ),
    # After so few steps hardly any image has a label of the published 0.99.
    Row(
        "scan, self-labels",
        "scan",
        ("stages=selflabel", "clusters={clusters}", "threshold=0.9"),
        "scan, clusters",
    ),
    # As published for subsets of ImageNet: heads on an encoder that stays, then self-labels teach both.
    Row(
        "scan, self-labels of those heads",
        "scan",
        ("stages=selflabel", "clusters={clusters}", "threshold=0.9"),
        "scan, heads alone",
        times=2,
        once=True,
    ),
    # What the metric methods below begin with: a new head, a single pass, no rate worth the name.
    Row("a new head alone", "cbswr", (), START, once=True, length=("--epochs", "1", "--lr", "1e-9")),
    Row("udml-ss", "udml-ss", (), START),
    Row("udml-ss without rotation", "udml-ss", ("rotation=0",), START),
    # Its views and rate were chosen by R@1 on these birds with seed 0; CIFAR-10 had no part in it.
    Row("cbswr", "cbswr", (), START),
    Row(
        "cbswr, published views, ten times the rate",
        "cbswr",
        ("views_like=window", "flip=0.75"),
        START,
        words=("--lr", "3e-4"),
    ),
)
TABLES = ("cifar10", "birds")  # that are made unless others are named
UNTRAINED = "untrained"
ASSIGNED = "assignments"  # a space of `augnet evaluate`: the clusters that an encoder tells apart itself


@dataclass(frozen=True)
class Cell:
    """One training with one seed on one set, and where its files stand."""

    set_name: str
    row: Row
    seed: int
    folder: Path

    @property
    def trains(self) -> bool:
        return not self.row.once or self.seed == FIRST_SEED

    @property
    def encoder(self) -> Path:
        return self._file(self.seed if self.trains else FIRST_SEED, "onnx")

    @property
    def course(self) -> Path:
        """The lines that training printed."""
        return self.encoder.with_suffix(".jsonl")

    def found(self, protocol: str) -> Path:
        """What `evaluate` printed."""
        return self._file(self.seed, f"{protocol}.json")

    def _file(self, seed: int, ending: str) -> Path:
        return self.folder / f"{self.set_name}-{self.row.slug}-{seed}.{ending}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--sets", nargs="+", choices=SETS, default=TABLES)
    parser.add_argument("--methods", nargs="+", default=[row.name for row in ROWS], help="names of rows")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=2, help="of a cell, all of its training")
    parser.add_argument("--draw-only", action="store_true", help="of what was measured before")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    chosen = [row for row in ROWS if row.name in arguments.methods]
    arguments.work.mkdir(parents=True, exist_ok=True)
    cells = [
        Cell(name, row, seed, arguments.work)
        for seed in arguments.seeds
        for row in chosen
        for name in arguments.sets
    ]
    if not arguments.draw_only:
        for name in arguments.sets:
            unpack(name, arguments.work / name)
        measure(cells, arguments.minutes)
    done = [cell for cell in cells if all(cell.found(each).exists() for each in ("clustering", "retrieval"))]
    for name in arguments.sets:
        of_set = [cell for cell in done if cell.set_name == name]
        text = table(of_set, arguments.minutes) if of_set else "not measured"
        if arguments.print_only:
            print(text)
            continue
        picture = ROOT / "docs" / f"methods-{name}.svg"
        draw(of_set, picture)
        put(f"methods-{name}", f"{text}\n\n![Accuracy and recall over time]({picture.name})")


def unpack(name: str, folder: Path) -> None:
    """Lay the images out as `train/CLASS/...` and `test/CLASS/...`, once."""
    if folder.exists():
        return
    by_class: dict[str, list[tuple[str, bytes]]] = {}
    archive = SETS[name].archive
    for path, data in members(DATA / archive) if archive else digits():
        by_class.setdefault(Path(path).parent.name, []).append((Path(path).name, data))
    whole = folder.with_name(f"{name}.part")
    for number, kind in enumerate(sorted(by_class)):
        for place, (file, data) in enumerate(sorted(by_class[kind])):
            is_judged = 2 * number >= len(by_class) if SETS[name].by_class else place % JUDGED_EVERY == 0
            target = whole / ("test" if is_judged else "train") / kind / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(data)
    whole.rename(folder)


def measure(cells: Sequence[Cell], minutes: float) -> None:
    """Train and judge what is not done yet, a cell a core; what starts from another row waits for it."""
    waiting = list(cells)
    while waiting:
        ready = [
            cell
            for cell in waiting
            if (cell.trains or cell.encoder.exists())
            and (cell.row.start in (None, SHIPPED) or Path(started_from(cell)).exists())
        ]
        if not ready:
            names = sorted({cell.row.start or cell.row.name for cell in waiting})
            raise SystemExit(f"nothing to start from: measure {', '.join(names)} as well")
        with ThreadPoolExecutor(usable_cores()) as pool:
            list(pool.map(lambda cell: measure_one(cell, minutes), ready))
        waiting = [cell for cell in waiting if cell not in ready]


def started_from(cell: Cell) -> str:
    """What `--init` is given."""
    if cell.row.start == SHIPPED:
        return SHIPPED
    row = next(row for row in ROWS if row.name == cell.row.start)
    return str(Cell(cell.set_name, row, cell.seed, cell.folder).encoder)


def measure_one(cell: Cell, minutes: float) -> None:
    data = f"folder:{cell.folder / cell.set_name}"
    if not cell.encoder.exists():
        settings = [
            word
            for option in cell.row.options
            for word in ("--set", option.format(clusters=SETS[cell.set_name].clusters))
        ]
        start = ("--init", "scratch", *SETS[cell.set_name].network)
        if cell.row.start is not None:
            start = ("--init", started_from(cell))
        words = (
            *("train", "--data", data, "--out", str(cell.encoder), "--method", cell.row.method, *settings),
            *(cell.row.length or ("--minutes", f"{minutes * cell.row.times:g}")),
            *("--seed", str(cell.seed), *start, *cell.row.words),
            *("--eval-every", str(EVALUATED_EVERY), "--format", "json", "--workers", "1", "--quiet"),
        )
        cell.course.write_text(run(words, cell.folder))
    for protocol in ("clustering", "retrieval"):
        if not cell.found(protocol).exists():
            words = ("evaluate", data, "--encoder", str(cell.encoder), "--protocol", protocol)
            more = ("--seed", str(cell.seed), "--format", "json", "--workers", "1", "--quiet")
            cell.found(protocol).write_text(run((*words, *more), cell.folder))
    print(f"{cell.encoder.stem} done", file=sys.stderr, flush=True)


def run(words: Sequence[str], work: Path) -> str:
    """What augnet prints, on one core."""
    environment = timed_environment(work / "home", OMP_NUM_THREADS="1")
    program = [sys.executable, "-m", "augnet_cli", *words]
    done = subprocess.run(program, env=environment, capture_output=True, text=True, check=False)
    if done.returncode:
        raise SystemExit(f"augnet {' '.join(words)}: exit status {done.returncode}\n{done.stderr}")
    return done.stdout


def figures(cell: Cell, space: str) -> dict[str, float]:
    """Of one space of both protocols; {} where the encoder has no such space."""
    found: dict[str, float] = {}
    for protocol in ("clustering", "retrieval"):
        rows: list[dict[str, Any]] = json.loads(cell.found(protocol).read_text())["rows"]
        for row in rows:
            if row["space"] == space:
                found |= {f"{protocol} {name}": value for name, value in row["figures"].items()}
    return found


def table(cells: Sequence[Cell], minutes: float) -> str:
    """A row for the untrained network, each training, and the clusters that an encoder tells apart itself."""
    head = ("method", "starts from", *FIGURES.values(), "trainings")
    first = cells[0].row
    untrained = [figures(cell, UNTRAINED) for cell in cells if cell.row == first]
    lines = [line(UNTRAINED, "", untrained, len(untrained))]
    for row in ROWS:
        of_row = [cell for cell in cells if cell.row == row]
        for space, name in (("encoder", row.name), (ASSIGNED, f"{row.name}: its own")):
            found = [each for cell in of_row if (each := figures(cell, space))]
            if found:
                trained = len({cell.encoder for cell in of_row})
                lines.append(line(name, row.start or "random weights", found, trained))
    there = {cell.row for cell in cells}
    others = [f"`{row.name}` {minutes * row.times:g}" for row in ROWS if row in there and row.times != 1]
    longer = f" ({', '.join(others)})" if others else ""
    return f"{minutes:g} minutes of one core a training{longer}.\n\n{markdown(head, lines)}"


def line(name: str, start: str, found: list[dict[str, float]], trained: int) -> tuple[str, ...]:
    cells = [spread([each[which] for each in found]) if which in found[0] else "" for which in FIGURES]
    return (name, start, *cells, str(trained))


def draw(cells: Sequence[Cell], file: Path) -> None:
    """k-means accuracy and R@1 on the judged images over the seconds of training, first seed."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams.update({"svg.hashsalt": "augnet", "svg.fonttype": "none"})
    from matplotlib import pyplot

    figure, axes = pyplot.subplots(1, 2, figsize=(11, 4.6), layout="constrained")
    for axis in axes:
        axis.set_prop_cycle(color=pyplot.get_cmap("tab20").colors)  # as many as there are rows, and more
    for cell in (cell for cell in cells if cell.seed == cells[0].seed):
        lines = [json.loads(text) for text in cell.course.read_text().splitlines()]
        for axis, name in zip(axes, CURVES, strict=True):
            judged = [each for each in lines if name in each.get("eval", {})]
            points = [(each["seconds"], each["eval"][name]) for each in judged]
            if points:
                axis.plot(*zip(*points, strict=True), "o-", markersize=3, label=cell.row.name)
    for axis, title in zip(axes, CURVES.values(), strict=True):
        axis.set(xlabel="seconds of training", title=title, xscale="log")
        axis.grid(alpha=0.3)
    axes[1].legend(fontsize="x-small", loc="center left", bbox_to_anchor=(1, 0.5))
    figure.savefig(file, metadata={"Date": None})


if __name__ == "__main__":
    main()
