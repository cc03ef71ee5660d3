"""Images a second of the shipped encoder beside well-known networks, and of decoding.

    python benchmarks/encoder_speed.py [--encoder FILE]... [--rounds 7]

All by ONNX Runtime in the way `augnet embed` uses it: one session, each core computes small batches of its
own.  The others are torchvision's networks with random weights, which are as fast as trained ones; they get
floats that are scaled already, the encoder does that itself.  What is decoded are photographs of ../shared.
"""

from __future__ import annotations

import argparse
import os
import tempfile
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
from labelled import DATA, members
from pace import interleaved, rate_cells
from tables import markdown, put

from augnet_cli.cores import usable_cores
from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.flow import BATCH
from augnet_cli.encoder.locate import shipped_encoder
from augnet_cli.images.decode import decode
from augnet_cli.records import Resize
from augnet_cli.training.silence import silence

OPPONENTS = (("resnet18", 224), ("mobilenet_v3_small", 96), ("mobilenet_v3_small", 224))
# Images a round: about a second of the slowest network, and of the fast ones with an eighth as many pixels.
IMAGES = 256
OPSET = 20


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--encoder", action="append", help="repeatable; default: the shipped one")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--images", type=int, default=IMAGES, help="in each round")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ThreadPoolExecutor(usable_cores()) as pool:
        work = {}
        for file in arguments.encoder or [shipped_encoder()]:
            embedder = Embedder.load(file)
            batch = noise(embedder.resize.size)
            name = f"augnet, {os.path.basename(file)}, {embedder.resize.size} px"
            work[name] = on_all_cores(
                pool, lambda run=embedder.embed, batch=batch: run(batch), arguments.images
            )
        for network, size in OPPONENTS:
            run = opponent(network, size, Path(folder))
            work[f"{network}, {size} px"] = on_all_cores(pool, run, arguments.images)
        work |= decoding(pool, Embedder.load((arguments.encoder or [shipped_encoder()])[0]).resize)
        rates = interleaved(work, arguments.rounds)
    rows = [(name, *rate_cells(each)) for name, each in rates.items()]
    table = markdown((f"images/s, {usable_cores()} cores", "median", "slowest", "fastest"), rows)
    if arguments.print_only:
        print(table)
    else:
        put("encoder-speed", table)


def on_all_cores(pool: ThreadPoolExecutor, run: Callable[[], object], images: int) -> Callable[[], int]:
    """Work that runs batches of BATCH until `images` are done."""
    batches = max(1, images // BATCH)

    def work() -> int:
        for _ in pool.map(lambda _: run(), range(batches)):
            pass
        return batches * BATCH

    return work


def noise(size: int) -> np.ndarray:
    """(BATCH, S, S, 3) uint8; no zeros, which some processors multiply faster."""
    return np.random.default_rng(0).integers(0, 256, (BATCH, size, size, 3), dtype=np.uint8)


def opponent(name: str, size: int, folder: Path) -> Callable[[], object]:
    """One batch through a network of torchvision, its classifier left out."""
    import onnxruntime

    file = folder / f"{name}-{size}.onnx"
    export(name, size, file)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1  # as `encoder.embedder` does
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(str(file), options, providers=["CPUExecutionProvider"])
    batch = np.ascontiguousarray(noise(size).transpose(0, 3, 1, 2), np.float32) / 255
    return lambda: session.run(None, {"images": batch})


def export(name: str, size: int, file: Path) -> None:
    import torch
    import torchvision

    network = getattr(torchvision.models, name)(weights=None).eval()
    last = "fc" if hasattr(network, "fc") else "classifier"
    setattr(network, last, torch.nn.Identity())
    with silence():
        torch.onnx.export(
            network,
            (torch.zeros(2, 3, size, size),),
            str(file),
            dynamo=True,
            opset_version=OPSET,
            input_names=["images"],
            dynamic_shapes=({0: "n"},),
            verbose=False,
        )


def decoding(pool: ThreadPoolExecutor, resize: Resize) -> dict[str, Callable[[], int]]:
    """Decoding photographs of about 500 px to the encoder's input; nothing where ../shared is missing."""
    archive = DATA / "photos-neardup.tar"
    if not archive.exists():
        return {}
    photos: list[Any] = [data for _, data in members(archive)][:IMAGES]

    def work() -> int:
        for _ in pool.map(lambda data: decode(data, resize), photos):
            pass
        return len(photos)

    return {f"decoding photographs of 500 px to {resize.size} px": work}


if __name__ == "__main__":
    main()
