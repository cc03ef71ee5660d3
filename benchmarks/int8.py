"""An encoder file in eight-bit integers beside the same in float: quality and speed.

    python benchmarks/int8.py [--encoder FILE] [--photos FOLDER] [--judged FOLDER] [--out FILE]

The float file is made from the weights that the integer file carries.  Both are quantised anew by pictures of
--photos, as `augnet train` does by those trained on; quality is that of finding altered copies of pictures of
--judged among others of it.  Two seeds draw the pictures and their copies.
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
from dataclasses import replace
from pathlib import Path

import numpy as np
from altered import image_files, judged, pictures, trial
from encoder_speed import noise, on_all_cores
from labelled import DATA
from pace import interleaved, rate_cells
from tables import markdown, put, spread

from augnet_cli.cores import usable_cores
from augnet_cli.encoder.card import QUANTISED_FROM
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.evaluation.copies import CopyResult
from augnet_cli.images.squares import square
from augnet_cli.training.export import export_encoder
from augnet_cli.training.initial import encoder_from_file
from augnet_cli.training.quantise import quantise

# Photographs of the kind that people have; and collections that the shipped encoder was not trained on.
PHOTOS, JUDGED = ("train-photos-2.tar",), ("birds-by-species.tar", "pokemon.tar")
EXAMPLES = (64, 256)  # images that give the ranges of activations; the first is what training takes
MOST_LOST = 0.001  # of recall@32, the rule for shipping
FLOAT = "float"
LEVEL = 0.99  # of precision, whose distance is told


def main() -> None:
    arguments = parsed()
    file = arguments.encoder or shipped_encoder()
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        photos = arguments.photos or unpacked(PHOTOS, work / "photos")
        folder = arguments.judged or unpacked(JUDGED, work / "judged")
        plain = in_float(file, photos, work)
        encoders = {FLOAT: plain, **quantised(plain.file, photos, work)}
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
                spread([result.recall[LEVEL] for result in results[name]]),
                spread([result.threshold[LEVEL] for result in results[name]], 4),
                f"{os.path.getsize(each.file):,}",
                *rate_cells(rates[name]),
            )
            for name, each in encoders.items()
        ]
        if arguments.out:
            shutil.copyfile(encoders[called(EXAMPLES[0])].file, arguments.out)
    head = ("", "recall@32", "µAP", "R@P0.99", "at distance", "bytes", "images/s", "slowest", "fastest")
    table = markdown(head, rows)
    if arguments.print_only:
        print(table)
    else:
        put("int8", table)
    for name in map(called, EXAMPLES):
        lost = mean_recall(results[FLOAT]) - mean_recall(results[name])
        verdict = "may be shipped" if lost < MOST_LOST else "is not to be shipped"
        print(f"{name}: recall@32 falls by {lost:.4f}: {verdict}", file=sys.stderr)


def parsed() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", help="an encoder file; default: the shipped one")
    parser.add_argument("--photos", type=Path, help="images for the ranges; default: some of ../shared")
    parser.add_argument("--judged", type=Path, help="images to judge on; default: some of ../shared")
    parser.add_argument("--originals", type=int, default=120, help="pictures with copies")
    parser.add_argument("--others", type=int, default=1400, help="pictures without")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--speed-images", type=int, default=1024, help="in each round")
    parser.add_argument("--out", help="keep the file in integers there")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    return parser.parse_args()


def unpacked(archives: tuple[str, ...], target: Path) -> Path:
    for name in archives:
        with tarfile.open(DATA / name) as tar:
            tar.extractall(target, filter="data")
    return target


def in_float(file: str, photos: Path, work: Path) -> Embedder:
    """The encoder of `file` as training would export it before it is quantised."""
    embedder = Embedder.load(file)
    told = {name: fact for name, fact in embedder.card.training.items() if name != QUANTISED_FROM}
    card = replace(embedder.card, training=told)
    images = examples(photos, EXAMPLES[0], embedder.resize.size)
    return export_encoder(encoder_from_file(file), card, str(work / "float.onnx"), images)[0]


def quantised(file: str, photos: Path, work: Path) -> dict[str, Embedder]:
    """`file` in integers, its ranges from more and more pictures, by its name in the table."""
    size = Embedder.load(file).resize.size
    return {
        called(count): quantise(file, str(work / f"{count}.onnx"), examples(photos, count, size))
        for count in EXAMPLES
    }


def called(count: int) -> str:
    return f"int8, ranges from {count} pictures"


def examples(photos: Path, count: int, size: int) -> np.ndarray:
    """(n, S, S, 3) uint8 of that many pictures, drawn by a seed."""
    files = image_files(photos)
    chosen = np.random.default_rng(0).permutation(len(files))[:count]
    return np.stack([square(each, size) for each in pictures([files[row] for row in chosen])])


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
