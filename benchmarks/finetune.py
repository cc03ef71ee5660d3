"""What `augnet train FOLDER --minutes 15` brings on two folders, by its own account and by another's.

    python benchmarks/finetune.py [--minutes 15] [--seeds 0 1] [--folders pokemon birds-by-species]

For each folder and seed a quarter of the pictures is set aside before training sees the folder; `augnet
train` starts from the shipped encoder on the rest.  The first table is its own record, `training.json`, on
pictures that it held out itself.  For the second the pictures set aside are altered, with another seed, and
their copies looked for among all pictures of the folder, by the shipped encoder and by the new one.
"""

from __future__ import annotations

import argparse
import json
import statistics
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from altered import image_files, judged, pictures, trial
from environment import timed_environment
from labelled import DATA
from tables import markdown, put, spread

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.evaluation.copies import CopyResult

FOLDERS = ("pokemon", "birds-by-species")
SET_ASIDE = 0.25  # of the folder's pictures
MOST_JUDGED = 100  # of those set aside: with 19 copies each and the folder about 3,500 images
OTHER_SEED = 1000  # added to a run's seed: training made no such copies
# Of the record: its name there, and in the table; digits.
FIGURES = (
    ("recall", "copies found at precision 0.99", 3),
    ("micro_ap", "µAP", 3),
    ("nearest", "original is the nearest picture", 3),
    ("among_32", "original is among the nearest 32", 3),
    ("alignment", "alignment (lower is better)", 3),
    ("uniformity", "uniformity (lower is better)", 3),
    ("effective_rank", "effective rank", 1),
)


@dataclass(frozen=True)
class Tried:
    """One run: its record, and the other judge's scores of both encoders."""

    record: Mapping[str, Any]
    before: CopyResult
    after: CopyResult


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--minutes", type=float, default=15)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--folders", nargs="+", default=FOLDERS, help="names of archives in ../shared/data")
    parser.add_argument("--keep", type=Path, help="keep the folders with what training wrote there")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.keep or Path(temporary)
        tried = {
            folder: [tried_with(folder, seed, arguments.minutes, work) for seed in arguments.seeds]
            for folder in arguments.folders
        }
    tables = {"finetune": own_account(tried), "finetune-judged": other_account(tried)}
    for name, table in tables.items():
        if arguments.print_only:
            print(table)
        else:
            put(name, table)


def tried_with(name: str, seed: int, minutes: float, work: Path) -> Tried:
    """Set pictures aside, train on the rest, judge both encoders."""
    folder = work / f"{name}-{seed}"
    with tarfile.open(DATA / f"{name}.tar") as tar:
        tar.extractall(folder, filter="data")
    files = image_files(folder)
    chosen = set_aside(len(files), seed)
    aside = pictures([files[row] for row in chosen])
    for row in chosen:
        files[row].unlink()
    others = pictures(image_files(folder))
    encoder = trained(folder, seed, minutes, work / "home")
    with open(folder / ".augnet" / "training.json", encoding="ascii") as source:
        record = json.load(source)
    before, after = Embedder.load(shipped_encoder()), Embedder.load(encoder)
    truth, pixels = trial(
        aside[:MOST_JUDGED], [*aside[MOST_JUDGED:], *others], seed + OTHER_SEED, before.resize.size
    )
    return Tried(record, judged(before, truth, pixels), judged(after, truth, pixels))


def set_aside(count: int, seed: int) -> list[int]:
    """Which of `count` pictures training never sees."""
    order = np.random.default_rng([seed, OTHER_SEED]).permutation(count)
    return [int(row) for row in order[: round(count * SET_ASIDE)]]


def trained(folder: Path, seed: int, minutes: float, home: Path) -> str:
    """Run the real command; the new encoder's file, whether it was taken or not."""
    command = [sys.executable, "-m", "augnet_cli", "train", str(folder)]
    command += ["--minutes", f"{minutes:g}", "--seed", str(seed), "--init", "shipped"]
    environment = timed_environment(home)
    done = subprocess.run(command, check=True, stdout=subprocess.PIPE, env=environment, text=True)
    return done.stdout.splitlines()[-1]


def own_account(tried: Mapping[str, Sequence[Tried]]) -> str:
    """The table of `augnet train` itself, over the seeds; kinds of change weakest first."""
    rows = [
        [title, *(cell for runs in tried.values() for cell in before_after(runs, name, digits))]
        for name, title, digits in FIGURES
    ]
    rows.append(
        ["runs in which the new encoder took the old one's place"]
        + [cell for runs in tried.values() for cell in ("", taken(runs))]
    )
    kinds = {
        kind: statistics.mean(
            run.record["after"]["by_change"][kind] for runs in tried.values() for run in runs
        )
        for kind in next(iter(tried.values()))[0].record["after"]["by_change"]
    }
    for kind in sorted(kinds, key=lambda each: (kinds[each], each)):
        cells = [cell for runs in tried.values() for cell in before_after(runs, kind, 2)]
        rows.append([f"found: {kind.replace('_', ' ')}", *cells])
    head = ["", *(f"{name}, {when}" for name in tried for when in ("before", "after"))]
    return markdown(head, rows)


def before_after(runs: Sequence[Tried], name: str, digits: int) -> list[str]:
    """Two cells: a figure of the record, or a kind of change, over the seeds."""
    cells = []
    for when in ("before", "after"):
        scores = [{**run.record[when]["by_change"], **run.record[when]} for run in runs]
        cells.append(spread([score[name] for score in scores], digits))
    return cells


def taken(runs: Sequence[Tried]) -> str:
    return f"{sum(run.record['decision']['taken'] for run in runs)} of {len(runs)}"


def other_account(tried: Mapping[str, Sequence[Tried]]) -> str:
    """The other judge's table, over the seeds."""
    rows = []
    for name, runs in tried.items():
        for when, results in (
            ("before", [run.before for run in runs]),
            ("after", [run.after for run in runs]),
        ):
            rows.append(
                [
                    f"{name}, {when}",
                    spread([result.micro_ap for result in results]),
                    spread([result.recall[0.99] for result in results]),
                    spread([result.recall_at_k for result in results]),
                ]
            )
    return markdown(("", "µAP", "R@P0.99", "recall@32"), rows)


if __name__ == "__main__":
    main()
