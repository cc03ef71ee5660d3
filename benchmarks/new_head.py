"""What a new linear head does to look-alikes before the first step: random weights beside principal axes.

    python benchmarks/new_head.py [--encoder FILE ...] [--print-only]

Birds: axes are those of one half of the species, R@1 is asked of the other half.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from labelled import DATA, members
from tables import markdown, put, spread

from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.evaluation.retrieval import judge_rows
from augnet_cli.images.decode import decode
from augnet_cli.records import Resize
from augnet_cli.training.encoder import Encoder
from augnet_cli.training.initial import encoder_from_file, with_head
from augnet_cli.training.new_head import begin_as_axes

DIMS = (64, 128, 256)
SEEDS = range(5)  # of random heads
BATCH = 128
HEAD = ("encoder", "numbers", "pooled features", "random head", "axes")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", nargs="+", default=[shipped_encoder()])
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    lines = [line for file in arguments.encoder for line in lines_of(file)]
    text = markdown(HEAD, lines)
    if arguments.print_only:
        print(text)
    else:
        put("new-head", text)


def lines_of(file: str) -> list[tuple[str, ...]]:
    """A line for each width of head on the backbone of an encoder."""
    encoder = encoder_from_file(file).eval()
    kinds: dict[str, list[bytes]] = {}
    for path, data in members(DATA / "birds-by-species.tar"):
        kinds.setdefault(Path(path).parent.name, []).append(data)
    names = sorted(kinds)
    learnt = pooled(encoder, [data for name in names[0 : len(names) // 2] for data in kinds[name]])
    judged = pooled(encoder, [data for name in names[len(names) // 2 :] for data in kinds[name]])
    labels = np.array([name for name in names[len(names) // 2 :] for _ in kinds[name]])
    lines = []
    for dim in DIMS:
        random = []
        for seed in SEEDS:
            torch.manual_seed(seed)
            random.append(recall(embedded(with_head(encoder, "linear", dim), judged), labels))
        begun = with_head(encoder, "linear", dim)
        assert isinstance(begun.head, torch.nn.Linear)
        begin_as_axes(begun.head, learnt)
        figures = (recall(judged, labels), recall(embedded(begun, judged), labels))
        lines.append(
            (os.path.basename(file), str(dim), f"{figures[0]:.3f}", spread(random), f"{figures[1]:.3f}")
        )
    return lines


def pooled(encoder: Encoder, files: Sequence[bytes]) -> np.ndarray:
    """(n, c) what the backbone says of image files, whole."""
    size = encoder.spec.size
    made = []
    for start in range(0, len(files), BATCH):
        squares = np.stack([decode(data, Resize(size)).pixels for data in files[start : start + BATCH]])
        with torch.no_grad():
            made.append(encoder.pooled(torch.from_numpy(squares).permute(0, 3, 1, 2).float() / 255).numpy())
    return np.concatenate(made)


def embedded(encoder: Encoder, rows: np.ndarray) -> np.ndarray:
    with torch.no_grad():
        return encoder.eval().embedding(torch.from_numpy(rows)).numpy()


def recall(rows: np.ndarray, labels: np.ndarray) -> float:
    """R@1 by cosine distance."""
    unit = rows / np.linalg.norm(rows, axis=1, keepdims=True)
    numbers = np.unique(labels, return_inverse=True)[1]
    return judge_rows(unit.astype(np.float32), numbers, (1,)).recall[1]


if __name__ == "__main__":
    main()
