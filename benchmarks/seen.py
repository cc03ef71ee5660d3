"""Which pictures that judge the shipped encoder it was trained on, and what is found without them.

    python benchmarks/seen.py [--work FOLDER] [--print-only]

Two pictures are held to be the same where their thumbnails agree.
"""

from __future__ import annotations

import argparse
import io
import tempfile
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
from calibration import AGREEMENT, SIDE, centred
from copies import augnet_embeddings, make_folder, read_truth
from labelled import DATA, PHOTOS, members
from PIL import Image
from tables import markdown, put

from augnet_cli.evaluation.copies import CopyTruth, judge_copies

JUDGING = ("photos-neardup.tar", "birds-by-species.tar", "pokemon.tar", "cifar10.tar")
ENDINGS = (".jpg", ".jpeg", ".png")
BENCHMARK_SEED = 3  # as on the page's other tables
ROWS = 1000  # of a block of products


def thumbnails(pictures: Iterable[bytes]) -> np.ndarray:
    """(n, SIDE * SIDE) float32 unit rows of grey thumbnails, centred."""
    rows = []
    for data in pictures:
        with Image.open(io.BytesIO(data)) as picture:
            small = picture.convert("L").resize((SIDE, SIDE), Image.Resampling.BOX)
        rows.append(np.asarray(small, np.float32).ravel())
    return centred(np.stack(rows))


def of_archive(name: str) -> np.ndarray:
    return thumbnails(data for path, data in members(DATA / name) if path.lower().endswith(ENDINGS))


def seen(rows: np.ndarray, trained: np.ndarray) -> np.ndarray:
    """(n,) bool: whether a picture is among those trained on."""
    blocks = [rows[at : at + ROWS] @ trained.T for at in range(0, len(rows), ROWS)]
    return np.concatenate([block.max(axis=1) >= AGREEMENT for block in blocks])


def judged_row(name: str, truth: CopyTruth, embeddings: np.ndarray, kept: np.ndarray) -> tuple[str, ...]:
    """Scores where only some pictures are there."""
    paths, transforms = np.array(truth.paths)[kept], np.array(truth.transform)[kept]
    part = replace(
        truth,
        paths=tuple(paths.tolist()),
        group=truth.group[kept],
        original=truth.original[kept],
        transform=tuple(transforms.tolist()),
    )
    result = judge_copies(part, 1 - embeddings[kept] @ embeddings[kept].T)
    figures = (result.micro_ap, *(result.recall[level] for level in (0.9, 0.99, 0.999)))
    return (name, f"{int(kept.sum()):,}", *(f"{value:.3f}" for value in figures))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path)
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    trained = np.concatenate([of_archive(name) for name in PHOTOS])
    counts = []
    for name in JUDGING:
        found = seen(of_archive(name), trained)
        counts.append((Path(name).stem, f"{len(found):,}", f"{int(found.sum()):,}"))
    with tempfile.TemporaryDirectory() as temporary:
        bench = make_folder(arguments.work or Path(temporary), BENCHMARK_SEED)
        truth = read_truth(bench)
        embeddings = augnet_embeddings(bench, truth)
        # Of copies no one was trained on: they were made from photographs that were not.
        alone = truth.group < 0
        others = seen(
            thumbnails((bench / path).read_bytes() for path in np.array(truth.paths)[alone]), trained
        )
    known = np.zeros(len(alone), bool)
    known[alone] = others
    head = ("the near-duplicate benchmark", "pictures", "µAP", "R@P0.9", "R@P0.99", "R@P0.999")
    rows = [
        judged_row("whole", truth, embeddings, np.ones(len(alone), bool)),
        judged_row("without what training saw", truth, embeddings, ~known),
    ]
    archives = markdown(("pictures of", "in all", "among the training photos"), counts)
    text = f"{archives}\n\n{markdown(head, rows)}"
    if arguments.print_only:
        print(text)
    else:
        put("seen", text)


if __name__ == "__main__":
    main()
