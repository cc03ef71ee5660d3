"""Which way of learning tells copies apart best: short runs of the same length, one thing changed at a time.

    python benchmarks/recipes.py FOLDER [--epochs 8] [--seeds 0 1] [--only NAME ...]

Each run is one `augnet train` from random weights on FOLDER, a folder of training photos, and is judged by
its own record (`training.json`) on pictures held out before, changed by code that training does not share.
Such short runs favour what learns fast; they are what two cores can pay for (docs/decisions/0008).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from environment import timed_environment
from tables import markdown, put, spread

COMMON = ["--init", "scratch", "--images-per-step", "128", "--set", "whiten=false"]
COPIES = ["--method", "copies", "--lr", "0.002", "--dim", "256"]
SYMMETRIC, PLAIN = ["--backbone", "symmetric_resnet"], ["--backbone", "resnet18_slim"]
AUGNET = [*SYMMETRIC, "--method", "augnet", "--lr", "0.002", "--dim", "256", "--set", "views=2"]
VIEWS = ["--set", "views_like=copies", "--set", "unit=true"]
RECIPES: dict[str, list[str]] = {
    "the shipped one: copies": [*COPIES, *SYMMETRIC],
    "a plain network, no symmetry": [*COPIES, *PLAIN],
    "temperature 0.1": [*COPIES, *SYMMETRIC, "--set", "temperature=0.1"],
    "no spreading term": [*COPIES, *SYMMETRIC, "--set", "spread=0"],
    "128 dimensions": [*COPIES, *SYMMETRIC, "--dim", "128"],
    "a bank of 8192": [*COPIES, *SYMMETRIC, "--set", "bank=8192"],
    "augnet, contrast, views like copies": [*AUGNET, *VIEWS],
    "augnet, softmax, views like copies": [
        *AUGNET,
        *VIEWS,
        "--set",
        "loss=softmax",
        "--set",
        "temperature=0.1",
    ],
    "augnet, contrast, its own views": AUGNET,
}
FIGURES = (("micro_ap", 3), ("recall", 3), ("among_32", 3), ("effective_rank", 1))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--only", nargs="+", default=list(RECIPES), choices=RECIPES, metavar="NAME")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    rows = []
    for name in arguments.only:
        scores = [scores_of(name, arguments.folder, arguments.epochs, seed) for seed in arguments.seeds]
        rows.append(
            [name, *(spread([float(score[key]) for score in scores], digits) for key, digits in FIGURES)]
        )
        print(" | ".join(rows[-1]), file=sys.stderr, flush=True)
    table = markdown(("", "µAP", "recall at precision 0.99", "recall@32", "effective rank"), rows)
    if arguments.print_only:
        print(table)
    else:
        put("recipes", table)


def scores_of(name: str, folder: Path, epochs: int, seed: int) -> Mapping[str, Any]:
    """What the record of one run says of its new encoder."""
    # Beside the folder: hard links can't lead to another file system.
    with tempfile.TemporaryDirectory(dir=folder.resolve().parent) as temporary:
        work = Path(temporary) / "photos"
        link_images(folder, work)
        command = [sys.executable, "-m", "augnet_cli", "train", str(work), *COMMON, *RECIPES[name]]
        command += ["--epochs", str(epochs), "--seed", str(seed), "--quiet"]
        environment = timed_environment(Path(temporary) / "home")
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env=environment)
        record: Mapping[str, Any] = json.loads((work / ".augnet" / "training.json").read_text("ascii"))
    after: Mapping[str, Any] = record["after"]
    return after


def link_images(folder: Path, work: Path) -> None:
    """The same images in another folder, as hard links: augnet follows no symbolic ones."""
    for place, folders, names in os.walk(folder):
        folders[:] = [each for each in folders if each != ".augnet"]
        made = work / Path(place).relative_to(folder)
        made.mkdir(parents=True, exist_ok=True)
        for each in names:
            os.link(Path(place) / each, made / each)


if __name__ == "__main__":
    main()
