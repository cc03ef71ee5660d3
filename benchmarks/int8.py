"""An encoder file in eight-bit integers beside its float original: quality and speed.

    python benchmarks/int8.py [--encoder FILE] [--photos FOLDER] [--judged FOLDER] [--out FILE]

Ranges of activations come from --photos; quality is that of finding altered copies of pictures of --judged
among others of it.  Two seeds draw the pictures and their copies.
By the project's rule the integers are shipped only where recall@32 falls by less than 0.001.
"""

from __future__ import annotations

import argparse
import os
import shutil
import sys
import tarfile
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from altered import image_files, judged, pictures, trial
from encoder_speed import noise, on_all_cores
from labelled import DATA
from pace import interleaved, rate_cells
from tables import markdown, put, spread

from augnet_cli.cores import usable_cores
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.evaluation.copies import CopyResult
from augnet_cli.images.squares import square
from augnet_cli.training.quantise import quantise

# Photographs of the kind that people have; and collections that the shipped encoder was not trained on.
PHOTOS, JUDGED = ("train-photos-2.tar",), ("birds-by-species.tar", "pokemon.tar")
EXAMPLES = 256  # images that give the ranges of activations
MOST_LOST = 0.001  # of recall@32, the rule for shipping
VARIANTS: dict[str, dict[str, Any]] = {
    "int8, first convolution float": {},
    "int8, all convolutions": {"float_stem": False},
    "int8, weights of 7 bits, first convolution float": {"seven_bits": True},
}
FLOAT = "float"


def main() -> None:
    arguments = parsed()
    file = arguments.encoder or shipped_encoder()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        photos = arguments.photos or unpacked(PHOTOS, work / "photos")
        folder = arguments.judged or unpacked(JUDGED, work / "judged")
        encoders = {FLOAT: Embedder.load(file), **quantised(file, photos, work)}
        results = quality(encoders, folder, arguments)
        with ThreadPoolExecutor(usable_cores()) as pool:
            rates = interleaved(
                {name: embedding(pool, each, arguments.speed_images) for name, each in encoders.items()},
                arguments.rounds,
            )
        rows = [
            (
                name,
                spread([result.recall_at_k for result in results[name]], 4),
                spread([result.micro_ap for result in results[name]]),
                spread([result.recall[0.99] for result in results[name]]),
                f"{os.path.getsize(each.file):,}",
                *rate_cells(rates[name]),
            )
            for name, each in encoders.items()
        ]
        if arguments.out:
            shutil.copyfile(encoders[next(iter(VARIANTS))].file, arguments.out)
    head = ("", "recall@32", "µAP", "R@P0.99", "bytes", "images/s", "slowest", "fastest")
    table = markdown(head, rows)
    if arguments.print_only:
        print(table)
    else:
        put("int8", table)
    for name in VARIANTS:
        lost = mean_recall(results[FLOAT]) - mean_recall(results[name])
        verdict = "may be shipped" if lost < MOST_LOST else "is not to be shipped"
        print(f"{name}: recall@32 falls by {lost:.4f}: {verdict}", file=sys.stderr)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", help="an encoder file in float; default: the shipped one")
    parser.add_argument("--photos", type=Path, help="images for the ranges; default: some of ../shared")
    parser.add_argument("--judged", type=Path, help="images to judge on; default: some of ../shared")
    parser.add_argument("--originals", type=int, default=120, help="pictures with copies")
    parser.add_argument("--others", type=int, default=1400, help="pictures without")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--speed-images", type=int, default=1024, help="in each round")
    parser.add_argument("--out", help="keep the first variant there")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    return parser.parse_args()


def unpacked(archives: tuple[str, ...], target: Path) -> Path:
    for name in archives:
        with tarfile.open(DATA / name) as tar:
            tar.extractall(target, filter="data")
    return target


def quantised(file: str, photos: Path, work: Path) -> dict[str, Embedder]:
    """Every variant of `file`, by its name in the table."""
    size = Embedder.load(file).resize.size
    files = image_files(photos)
    chosen = np.random.default_rng(0).permutation(len(files))[:EXAMPLES]
    examples = np.stack([square(each, size) for each in pictures([files[row] for row in chosen])])
    return {
        name: quantise(file, str(work / f"{number}.onnx"), examples, **options)
        for number, (name, options) in enumerate(VARIANTS.items())
    }


def quality(
    encoders: dict[str, Embedder], folder: Path, arguments: argparse.Namespace
) -> dict[str, list[CopyResult]]:
    """Scores of each encoder, one a seed; all judge the same pictures."""
    files = image_files(folder)
    results: dict[str, list[CopyResult]] = {name: [] for name in encoders}
    for seed in arguments.seeds:
        rows = np.random.default_rng(seed).permutation(len(files))[: arguments.originals + arguments.others]
        images = pictures([files[row] for row in rows])
        originals, others = images[: arguments.originals], images[arguments.originals :]
        truth, pixels = trial(originals, others, seed, encoders[FLOAT].resize.size)
        for name, embedder in encoders.items():
            results[name].append(judged(embedder, truth, pixels))
    return results


def mean_recall(results: list[CopyResult]) -> float:
    return float(np.mean([result.recall_at_k for result in results]))


def embedding(pool: ThreadPoolExecutor, embedder: Embedder, images: int) -> Callable[[], int]:
    batch = noise(embedder.resize.size)
    return on_all_cores(pool, lambda: embedder.embed(batch), images)


if __name__ == "__main__":
    main()
