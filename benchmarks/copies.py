"""Quality on the near-duplicate benchmark: augnet's encoder beside perceptual hashes and fastdup.

    python benchmarks/copies.py [--work FOLDER] [--encoder FILE] [--seed 3]

Makes the benchmark folder from ../shared as its README says (120 photos, 19 altered copies each, 1,720 other
pictures), embeds it with `augnet embed`, and scores all pairs by distance alone.  Everything is judged by
`augnet_cli.evaluation.copies`, which a test compares with the benchmark's own scorer.
"""

from __future__ import annotations

import argparse
import csv
import importlib.util
import json
import random
import subprocess
import sys
import tarfile
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
from PIL import Image
from tables import PAGE, README, markdown, put

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.evaluation.copies import CopyResult, CopyTruth, judge_copies, true_pairs

Change = Callable[[Image.Image, random.Random], Image.Image]

SHARED = Path(__file__).resolve().parents[2] / "shared"
COPYBENCH = SHARED / "bench" / "copybench.py"
# Measured by the benchmark's author on the same folder (its README); shown where fastdup is not installed.
FASTDUP_AS_PUBLISHED = (
    "fastdup 2.54 (as the benchmark's README reports)",
    "0.836",
    "0.705",
    "0.461",
    "0.106",
    "",
)


THRESHOLDS = (0.02, 0.05, 0.1, 0.2)  # that a user may want to know about
# fastdup lists this many neighbours of an image; an original has 19 copies and they know each other.
FASTDUP_K = 40


def make_folder(work: Path, seed: int) -> Path:
    """The benchmark folder, made once per work folder and seed."""
    bench = work / f"dev-{seed}"
    if (bench / "truth.csv").exists():
        return bench
    photos, birds, drawings = (
        str(unpacked(work, name)) for name in ("photos-neardup", "birds-by-species", "pokemon")
    )
    command = [sys.executable, str(COPYBENCH), "make", photos, str(bench)]
    command += ["--queries", "120", "--limit", "290", "--seed", str(seed)]
    command += ["--distractors", birds, drawings]
    subprocess.run(command, check=True)
    return bench


def unpacked(work: Path, name: str) -> Path:
    """The folder of an archive of ../shared/data, unpacked once per work folder."""
    folder = work / name
    if not folder.is_dir():
        with (
            tempfile.TemporaryDirectory(dir=work) as part,
            tarfile.open(SHARED / "data" / f"{name}.tar") as tar,
        ):
            tar.extractall(part, filter="data")
            (Path(part) / name).rename(folder)
    return folder


def benchmark_changes() -> Mapping[str, Change]:
    """How the benchmark alters a picture, by kind, from its own code."""
    spec = importlib.util.spec_from_file_location("copybench", COPYBENCH)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    changes: Mapping[str, Change] = module.T
    return changes


def read_truth(bench: Path) -> CopyTruth:
    with open(bench / "truth.csv", newline="") as file:
        rows = sorted(csv.DictReader(file), key=lambda row: row["path"])
    return CopyTruth(
        tuple(row["path"] for row in rows),
        np.array([int(row["group"]) for row in rows]),
        np.array([row["transform"] == "original" for row in rows]),
        tuple(row["transform"] for row in rows),
    )


def augnet_embeddings(bench: Path, truth: CopyTruth, encoder: str | None = None) -> np.ndarray:
    """(n, d) unit rows in the order of `truth`, from what `augnet embed --out` exports."""
    out = bench / "vectors.npz"
    command = [sys.executable, "-m", "augnet_cli", "embed", str(bench), "--out", str(out), "--quiet"]
    subprocess.run(
        command + (["--encoder", encoder] if encoder else []), check=True, stdout=subprocess.DEVNULL
    )
    with np.load(out) as exported:
        row = {path: number for number, path in enumerate(exported["paths"].tolist())}
        return np.asarray(exported["embeddings"][[row[path] for path in truth.paths]])


def calibrated_threshold(bench: Path, encoder: str | None) -> float:
    """The threshold that `augnet calibrate` finds there for its default precision of 0.99."""
    command = [sys.executable, "-m", "augnet_cli", "calibrate", str(bench), "--format", "json", "--quiet"]
    done = subprocess.run(
        command + (["--encoder", encoder] if encoder else []), check=True, capture_output=True, text=True
    )
    return float(json.loads(done.stdout)["threshold"])


def hash_distances(bench: Path, truth: CopyTruth) -> dict[str, np.ndarray]:
    """Hamming distances of perceptual hashes, as shared/bench/peers.py computes them."""
    import cv2
    import imagehash
    import pdqhash

    def pdq(path: Path) -> np.ndarray:
        return pdqhash.compute(cv2.cvtColor(cv2.imread(str(path)), cv2.COLOR_BGR2RGB))[0]

    makers = {
        "imagehash pHash": lambda path: imagehash.phash(Image.open(path)).hash.ravel(),
        "imagehash dHash": lambda path: imagehash.dhash(Image.open(path)).hash.ravel(),
        "PDQ (256 bit)": pdq,
    }
    distances = {}
    for name, maker in makers.items():
        bits = np.stack([maker(bench / path) for path in truth.paths]).astype(np.float32)
        differing = bits @ (1 - bits).T
        distances[name] = differing + differing.T
    return distances


def fastdup_distances(bench: Path, truth: CopyTruth, work: Path) -> np.ndarray | None:
    """1 - similarity of the pairs that fastdup reports, all others farthest; None without fastdup."""
    if importlib.util.find_spec("fastdup") is None:
        return None
    import fastdup

    run = fastdup.create(work_dir=str(work / "fastdup"), input_dir=str(bench / "photos"))
    run.run(
        ccthreshold=0.0, threshold=0.0, nearest_neighbors_k=FASTDUP_K, overwrite=True, print_summary=False
    )
    pairs = run.similarity()
    row = {Path(path).name: number for number, path in enumerate(truth.paths)}
    distances = np.full((len(row), len(row)), 2.0, np.float32)
    for a, b, similarity in zip(pairs["filename_from"], pairs["filename_to"], pairs["distance"], strict=True):
        i, j = row[Path(a).name], row[Path(b).name]
        distances[i, j] = distances[j, i] = min(distances[i, j], 1 - similarity)
    return distances


def at_distance(distances: np.ndarray, truth: CopyTruth, threshold: float) -> tuple[float, float]:
    """Precision and recall of all pairs at or under a distance."""
    left, right, true = true_pairs(truth)
    within = distances[left, right] <= threshold
    return float(true[within].mean()), float(within[true].mean())


def table_row(name: str, result: CopyResult) -> tuple[str, ...]:
    recalls = [f"{result.recall[level]:.3f}" for level in (0.9, 0.99, 0.999)]
    return (name, f"{result.micro_ap:.3f}", *recalls, f"{result.recall_at_k:.3f}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--work", type=Path, help="kept between runs; default: a temporary folder")
    parser.add_argument("--encoder", help="an encoder file; default: the shipped one")
    parser.add_argument("--seed", type=int, default=3)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        work = arguments.work or Path(temporary)
        work.mkdir(parents=True, exist_ok=True)
        bench = make_folder(work, arguments.seed)
        truth = read_truth(bench)
        embeddings = augnet_embeddings(bench, truth, arguments.encoder)
        ours_distances = 1 - embeddings @ embeddings.T
        calibrated = calibrated_threshold(bench, arguments.encoder)
        results = {"augnet, shipped encoder": judge_copies(truth, ours_distances)}
        for name, distances in hash_distances(bench, truth).items():
            results[name] = judge_copies(truth, distances)
        fastdup = fastdup_distances(bench, truth, work)
        if fastdup is not None:
            results["fastdup"] = judge_copies(truth, fastdup)
    rows = [table_row(name, result) for name, result in results.items()]
    if "fastdup" not in results:
        rows.append(FASTDUP_AS_PUBLISHED)
    table = markdown(("", "µAP", "R@P0.9", "R@P0.99", "R@P0.999", "recall@32"), rows)
    for page in (PAGE, README):
        put("copies", table, page)
    ours = results["augnet, shipped encoder"]
    known = {
        Embedder.load(arguments.encoder or shipped_encoder()).card.threshold: " (the card's)",
        calibrated: " (calibrated there)",
    }
    choices = [
        (f"{distance:g}{known.get(distance, '')}", f"{precision:.3f}", f"{recall:.2f}")
        for distance in sorted({*known, *THRESHOLDS})
        for precision, recall in [at_distance(ours_distances, truth, distance)]
    ]
    for page in (PAGE, README):
        put(
            "thresholds",
            markdown(("`--threshold`", "share of true pairs", "share of copies found"), choices),
            page,
        )
    kinds = results["augnet, shipped encoder"].by_transform
    names = [name for name in results if name != "imagehash dHash"]
    weakest_first = sorted(kinds, key=lambda kind: kinds[kind])
    by_kind = [
        [kind, *(f"{results[name].by_transform[kind]:.2f}" for name in names)] for kind in weakest_first
    ]
    put("copies-by-kind", markdown(["kind of change", *names], by_kind))
    print(json.dumps({"micro_ap": ours.micro_ap, "recall": ours.recall, "threshold": ours.threshold}))


if __name__ == "__main__":
    main()
