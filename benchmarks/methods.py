"""Every training method on labelled sets: clusters and look-alikes of images that none was trained on.

    python benchmarks/methods.py --work FOLDER [--sets cifar10 birds digits] [--methods ...] [--seeds 0 1 2]
    python benchmarks/methods.py --draw-only

CIFAR-10 and digits: a fifth of each class is set apart to judge.  Birds: one half of the species is trained
on, the other judged, so that no class is seen twice.  Each cell is `augnet train` and `augnet evaluate` as a
user would run them, each on one core; as many cells run side by side as there are cores.  The row that others
start from is trained for longer and once, with the first seed, and judged with each.  What was measured
stays in FOLDER and is not measured again: run it as often as it takes.

The figures are kept in `results/methods.jsonl`, a line a cell, and tables and curves are made of that file
alone: with `--draw-only` nothing else is needed.
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
from method_rows import ROWS, SETS, SHIPPED, Row
from method_tables import CURVES, UNTRAINED, Measured, draw, keep, kept, table
from tables import ROOT, put

from augnet_cli.cores import usable_cores

JUDGED_EVERY = 5  # image of a class of CIFAR-10
EVALUATED_EVERY = 4  # epochs, for the curves
FIRST_SEED = 0  # of what is trained once
PROTOCOLS = ("clustering", "retrieval")
DIGITS_KEPT = 6  # of a figure: tables show three, and rounding twice must not change them
TABLES = ("cifar10", "birds")  # that are made unless others are named


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
    parser.add_argument("--work", type=Path, help="where trainings are kept")
    parser.add_argument("--sets", nargs="+", choices=SETS, default=TABLES)
    parser.add_argument("--methods", nargs="+", default=[row.name for row in ROWS], help="names of rows")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--minutes", type=float, default=2, help="of a cell, all of its training")
    parser.add_argument("--draw-only", action="store_true", help="of what was measured before")
    parser.add_argument("--print-only", action="store_true", help="leave results and documents as they are")
    arguments = parser.parse_args()
    if not (arguments.work or arguments.draw_only):
        parser.error("what is measured needs --work")
    measured = [] if arguments.draw_only else fresh(arguments)
    if not arguments.print_only:
        keep(measured)
    for name in arguments.sets:
        of_set = [cell for cell in (measured if arguments.print_only else kept()) if cell.set_name == name]
        if not of_set or arguments.print_only:
            print(table(of_set) if of_set else f"{name}: not measured")
            continue
        text = table(of_set)
        picture = ROOT / "docs" / f"methods-{name}.svg"
        draw(of_set, picture)
        put(f"methods-{name}", f"{text}\n\n![Accuracy and recall over time]({picture.name})")


def fresh(arguments: argparse.Namespace) -> list[Measured]:
    """Measure what is asked for and was not measured in this folder before."""
    arguments.work.mkdir(parents=True, exist_ok=True)
    cells = [
        Cell(name, row, seed, arguments.work)
        for seed in arguments.seeds
        for row in ROWS
        for name in arguments.sets
        if row.name in arguments.methods
    ]
    for name in arguments.sets:
        unpack(name, arguments.work / name)
    measure(cells, arguments.minutes)
    return [measured_of(cell) for cell in cells]


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
            # Curves are of the first seed alone.
            *(("--eval-every", str(EVALUATED_EVERY)) if cell.seed == FIRST_SEED else ()),
            *("--format", "json", "--workers", "1", "--quiet"),
        )
        cell.course.write_text(run(words, cell.folder))
    for protocol in PROTOCOLS:
        if not cell.found(protocol).exists():
            words = ("evaluate", data, "--encoder", str(cell.encoder), "--protocol", protocol)
            more = ("--seed", str(cell.seed), "--format", "json", "--workers", "1", "--quiet")
            if cell.row != ROWS[0]:  # one row of each seed says what the untrained network can do
                more = (*more, "--no-untrained")
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


def measured_of(cell: Cell) -> Measured:
    """What the printed lines of training and judging say of a cell."""
    figures: dict[str, dict[str, float]] = {}
    for protocol in PROTOCOLS:
        rows: list[dict[str, Any]] = json.loads(cell.found(protocol).read_text())["rows"]
        for row in rows:
            if row["space"] == UNTRAINED and cell.row != ROWS[0]:
                continue
            of_space = figures.setdefault(row["space"], {})
            for name, value in row["figures"].items():
                of_space[f"{protocol} {name}"] = round(value, DIGITS_KEPT)
    *lines, last = (json.loads(text) for text in cell.course.read_text().splitlines())
    course = [
        {"seconds": line["seconds"]} | {name: line["eval"][name] for name in CURVES if name in line["eval"]}
        for line in lines
        if "eval" in line
    ]
    return Measured(
        cell.set_name,
        cell.row.name,
        cell.seed,
        cell.trains,
        last["result"]["settings"]["minutes"],
        figures,
        course if cell.trains else [],
    )


if __name__ == "__main__":
    main()
