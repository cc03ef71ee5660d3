"""Images that look like one another: contact sheets as in AugNet's figure, and R@k and mAP by label.

    python benchmarks/retrieval.py --work FOLDER [--seeds 0 1 2] [--print-only]

Sheets of what `augnet query` answers on illustrations, sketches, paintings and box covers go to FOLDER, to be
looked at: they show images of the data sets, and stay out of the project.  Where images have labels the
distances are judged, beside those of a perceptual hash and of the network before training.
"""

from __future__ import annotations

import argparse
import csv
import os
import subprocess
import sys
import tarfile
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from altered import image_files
from clusters import untrained
from copies import unpacked
from labelled import DATA
from PIL import Image
from tables import markdown, put, spread

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import BATCH
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.evaluation.retrieval import judge_retrieval
from augnet_cli.images.decode import decode

ROWS, HITS = 8, 8  # of a sheet
DRAW_SEED = 1  # of the queries on the sheets
AT = (1, 10)
# (n, S, S, 3) uint8, their files and a seed to distances (n, n).
Distances = Callable[[np.ndarray, Sequence[Path], int], np.ndarray]


def folders(work: Path) -> dict[str, Path]:
    """The collections, each a folder of its own."""
    photos = work / "train-photos-3"
    if not photos.is_dir():
        with tarfile.open(DATA / "train-photos-3.tar") as tar:
            tar.extractall(photos, filter="data")
    with tarfile.open(DATA / "train-photos-1.tar") as tar:
        listed = tar.extractfile("labels.tsv")
        assert listed is not None
        rows = list(csv.DictReader(listed.read().decode().splitlines(), delimiter="\t"))
    for domain in ("sketch", "art_painting"):
        if not (work / domain).is_dir():
            for row in rows:
                kind, _, label = row["label"].partition("/")
                if row["file"].startswith("pacs/") and kind == domain:
                    target = work / domain / label / Path(row["file"]).name
                    target.parent.mkdir(parents=True, exist_ok=True)
                    os.link(photos / row["file"], target)
    return {
        "pokemon": unpacked(work, "pokemon"),
        "sketch": work / "sketch",
        "art_painting": work / "art_painting",
        "boxart": photos / "boxart",
    }


def draw(folder: Path, sheet: Path, home: Path) -> None:
    """The answers to some queries, drawn at random, by the command itself."""
    files = image_files(folder)
    chosen = np.random.default_rng(DRAW_SEED).permutation(len(files))[:ROWS]
    sheet.unlink(missing_ok=True)
    words = ["query", *(str(files[number]) for number in sorted(chosen)), "--in", str(folder)]
    words += ["--k", str(HITS), "--sheet", str(sheet), "--format", "json"]
    environment = os.environ | {"AUGNET_HOME": str(home)}
    subprocess.run(
        [sys.executable, "-m", "augnet_cli", *words], check=True, stdout=subprocess.DEVNULL, env=environment
    )


def by_embedding(pixels: np.ndarray, files: Sequence[Path], seed: int) -> np.ndarray:
    embedder = Embedder.load(shipped_encoder())
    rows = np.concatenate([embedder.embed(pixels[at : at + BATCH]) for at in range(0, len(pixels), BATCH)])
    return 1 - rows @ rows.T


def by_hash(pixels: np.ndarray, files: Sequence[Path], seed: int) -> np.ndarray:
    import imagehash

    bits = np.stack([imagehash.phash(Image.open(file)).hash.ravel() for file in files]).astype(np.float32)
    differing = bits @ (1 - bits).T
    return differing + differing.T


def by_untrained(pixels: np.ndarray, files: Sequence[Path], seed: int) -> np.ndarray:
    architecture = dict(Embedder.load(shipped_encoder()).card.architecture)
    rows = untrained(architecture, pixels, seed)
    return 1 - rows @ rows.T


WAYS: dict[str, Distances] = {
    "augnet": by_embedding,
    "imagehash pHash": by_hash,
    "untrained": by_untrained,
}


def judged(name: str, folder: Path, seeds: Sequence[int]) -> list[list[str]]:
    """The rows of one collection; the class is the folder."""
    files = image_files(folder)
    labels = np.array([file.parent.name for file in files])
    resize = Embedder.load(shipped_encoder()).resize
    pixels = np.stack([decode(file.read_bytes(), resize).pixels for file in files])
    rows = []
    for way, distances in WAYS.items():
        drawn = seeds if way == "untrained" else seeds[:1]
        found = [judge_retrieval(distances(pixels, files, seed), labels, AT) for seed in drawn]
        cells = [
            *([each.recall[k] for each in found] for k in AT),
            [each.mean_ap for each in found],
        ]
        title = f"{name}: {len(files):,} images, {len(np.unique(labels))} classes"
        rows.append([title if not rows else "", way, *map(spread, cells)])
    return rows


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, required=True, help="kept between runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2], help="of the untrained networks")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    work = arguments.work.resolve()
    work.mkdir(parents=True, exist_ok=True)
    found = folders(work)
    for name, folder in found.items():
        draw(folder, work / f"{name}.png", work / "home")
    rows = [row for name in ("sketch", "art_painting") for row in judged(name, found[name], arguments.seeds)]
    table = markdown(("", "", *(f"R@{k}" for k in AT), "mAP"), rows)
    if arguments.print_only:
        print(table)
    else:
        put("retrieval", table)


if __name__ == "__main__":
    main()
