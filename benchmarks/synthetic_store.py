"""A folder of tiny files and a store that knows them as embedded images: search at any size, without photos.

    python benchmarks/synthetic_store.py FOLDER --images 1000000 [--dim 128]

The store is written by the store's own writer; `augnet embed FOLDER` then finds every file unchanged.
The files are links to a few drawn pictures.  Embeddings lie in clusters, and some are near another one, as
copies are.  With another width than the shipped encoder's the folder gets an encoder of its own, the shipped
one cut down to that width; that needs the extra `train`.
"""

from __future__ import annotations

import argparse
import os
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
from PIL import Image

from augnet_cli.encoder.card import CARD_KEY
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import TRAINED_NAME, choose_encoder, shipped_encoder
from augnet_cli.images.files import content_hash, met
from augnet_cli.records import FoundFile
from augnet_cli.store.entries import FileEntry
from augnet_cli.store.lock import writing
from augnet_cli.store.place import place_for
from augnet_cli.store.store import Store

SEED = 0
SIDE = 64  # of the pictures, in pixels
IN_A_FOLDER = 1000
LINKS = 50_000  # to one file; file systems allow some 65,000
BATCH = 10_000
# Like the embeddings of photographs: a few dozen dimensions are in use, and near ones come in clusters.
INNER_DIM, IMAGES_A_CLUSTER, SPREAD = 32, 500, 0.7
COPIES = 0.03  # share of images that are a copy of the one before
COPY_SPREAD = 0.15  # of a copy about its original: a distance of about 0.01


def embeddings(count: int, dim: int, seed: int = SEED) -> Iterator[np.ndarray]:
    """(BATCH, dim) float32 unit rows, `count` in all."""
    rng = np.random.default_rng(seed)
    centres = rng.standard_normal((max(1, count // IMAGES_A_CLUSTER), INNER_DIM))
    lift = rng.standard_normal((INNER_DIM, dim)) / np.sqrt(INNER_DIM)
    for start in range(0, count, BATCH):
        size = min(BATCH, count - start)
        inner = centres[rng.integers(len(centres), size=size)]
        inner = inner + SPREAD * rng.standard_normal((size, INNER_DIM))
        copies = 1 + np.flatnonzero(rng.random(size - 1) < COPIES)
        inner[copies] = inner[copies - 1] + COPY_SPREAD * rng.standard_normal((len(copies), INNER_DIM))
        rows = inner @ lift
        yield (rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32)


def make_files(folder: Path, count: int) -> None:
    """Links to drawn pictures."""
    rng = np.random.default_rng(SEED)
    source = folder
    for number in range(count):
        inside = folder / f"{number // IN_A_FOLDER:04}"
        if number % IN_A_FOLDER == 0:
            inside.mkdir(parents=True, exist_ok=True)
        file = inside / f"{number:07}.jpg"
        if number % LINKS == 0:
            pixels = rng.integers(0, 256, (SIDE // 8, SIDE // 8, 3), dtype=np.uint8)
            Image.fromarray(pixels).resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(file)
            source = file
        else:
            os.link(source, file)


def make_encoder(file: Path, dim: int) -> None:
    """The shipped encoder cut down to its first `dim` numbers, which are made a unit row again."""
    import onnx
    from onnx import TensorProto, helper

    model = onnx.load(shipped_encoder())
    graph, whole = model.graph, model.graph.output[0].name
    for name, number in (("cut_from", 0), ("cut_to", dim), ("cut_axis", 1)):
        graph.initializer.append(helper.make_tensor(name, TensorProto.INT64, [1], [number]))
    cut = helper.make_node("Slice", [whole, "cut_from", "cut_to", "cut_axis"], ["cut"])
    graph.node.extend([cut, helper.make_node("LpNormalization", ["cut"], ["cut_rows"], axis=1, p=2)])
    graph.output.pop()
    graph.output.append(helper.make_tensor_value_info("cut_rows", TensorProto.FLOAT, ["n", dim]))
    card = Embedder.load(shipped_encoder()).card
    for entry in model.metadata_props:
        if entry.key == CARD_KEY:
            entry.value = replace(card, dim=dim, id=f"{card.id}-{dim}").to_json()
    file.parent.mkdir(parents=True, exist_ok=True)
    onnx.save(model, str(file))


def make_store(folder: Path, count: int, dim: int) -> None:
    """Files, encoder and store; nothing is done where the store is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    place = place_for(str(folder), create=True)
    if os.path.exists(place.store_file):
        return
    make_files(folder, count)
    if dim != Embedder.load(shipped_encoder()).dim:
        make_encoder(Path(place.data) / TRAINED_NAME, dim)
    encoder = Embedder.load(choose_encoder(None, place.data))
    files = (one for one in met(str(folder)) if isinstance(one, FoundFile))
    with writing(place), Store.open(place, write=True) as store:
        for rows in embeddings(count, dim):
            store.save([entry(found, row, encoder.id) for row, found in zip(rows, files, strict=False)])


def entry(found: FoundFile, row: np.ndarray, encoder: str) -> FileEntry:
    """A file that is held to have been embedded."""
    return FileEntry(
        found=found,
        kind="image",
        content_hash=content_hash(found.path.encode()),
        width=SIDE,
        height=SIDE,
        embedding=row,
        encoder=encoder,
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--images", type=int, default=100_000)
    parser.add_argument("--dim", type=int, default=128)
    arguments = parser.parse_args()
    make_store(arguments.folder, arguments.images, arguments.dim)


if __name__ == "__main__":
    main()
