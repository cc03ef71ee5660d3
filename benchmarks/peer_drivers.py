"""One run of a peer of augnet over a folder, in a Python that has it; `peers.py` starts this file.

    PYTHON benchmarks/peer_drivers.py NAME FOLDER WORK

Each peer is used as its own first example does, with its defaults where nothing else is said.  The last line
of stdout is JSON: how many images it took in, how many pairs or groups' members it found, and the seconds
without Python's start and the peer's imports.  FOLDER holds images and nothing else, WORK may be written.
Nothing of augnet is imported: the peers live in environments of their own.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path

# imagededup's network gets random weights, with which all pictures look alike: any lower similarity would
# make it list nearly all pairs, for which the network it comes with gives no reason.
HARDLY_ANY_PAIR = 1.0
PHASH_BITS = 10  # of 64 that may differ: imagededup's default
Run = Callable[[str, str], tuple[int, int]]


def main() -> None:
    # The scripts beside this one have names that a peer may look for, such as `tables`.
    del sys.path[0]
    name, folder, work = sys.argv[1:]
    run = PEERS[name]()
    started = time.perf_counter()
    images, found = run(folder, work)
    print(json.dumps({"images": images, "found": found, "seconds": time.perf_counter() - started}))


def fastdup() -> Run:
    import fastdup

    def run(folder: str, work: str) -> tuple[int, int]:
        task = fastdup.create(work_dir=work, input_dir=folder)
        task.run(overwrite=True, print_summary=False)
        return len(task.annotations()), len(task.similarity())

    return run


def imagededup_phash() -> Run:
    from imagededup.methods import PHash

    def run(folder: str, work: str) -> tuple[int, int]:
        hasher = PHash(verbose=False)
        hashes = hasher.encode_images(image_dir=folder)
        return len(hashes), _pairs(hasher.find_duplicates(encoding_map=hashes))

    return run


def imagededup_cnn() -> Run:
    import torch
    from imagededup.methods import CNN
    from imagededup.utils.models import CustomModel, MobilenetV3
    from torchvision.models import mobilenet_v3_small

    class RandomMobilenetV3(torch.nn.Module):
        """imagededup's own network but for its weights, which would have to be downloaded."""

        def __init__(self) -> None:
            super().__init__()
            network = mobilenet_v3_small(weights=None).eval()
            self.layers = torch.nn.Sequential(network.features, network.avgpool, torch.nn.Flatten())

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.layers(images)

    def run(folder: str, work: str) -> tuple[int, int]:
        torch.manual_seed(0)
        model = CustomModel(MobilenetV3.name, RandomMobilenetV3(), MobilenetV3.transform)
        finder = CNN(verbose=False, model_config=model)
        rows = finder.encode_images(image_dir=folder)
        found = finder.find_duplicates(encoding_map=rows, min_similarity_threshold=HARDLY_ANY_PAIR)
        return len(rows), _pairs(found)

    return run


def imagehash_loop() -> Run:
    import imagehash
    import numpy as np
    from PIL import Image

    def run(folder: str, work: str) -> tuple[int, int]:
        hashes = []
        for path in sorted(Path(folder).iterdir()):
            with Image.open(path) as image:
                hashes.append(imagehash.phash(image).hash.ravel())
        bits = np.stack(hashes).astype(np.float32)
        differing = bits @ (1 - bits).T
        near = differing + differing.T <= PHASH_BITS
        return len(hashes), int(np.triu(near, 1).sum())

    return run


def difpy() -> Run:
    import difPy

    def run(folder: str, work: str) -> tuple[int, int]:
        images = difPy.build(folder, show_progress=False)
        search = difPy.search(images, show_progress=False)
        found = sum(len(matches) for matches in search.result.values())
        return len(images._tensor_dictionary), found

    return run


def _pairs(duplicates: Mapping[str, list[str]]) -> int:
    return sum(len(others) for others in duplicates.values()) // 2


PEERS: dict[str, Callable[[], Run]] = {
    "fastdup": fastdup,
    "imagededup-phash": imagededup_phash,
    "imagededup-cnn": imagededup_cnn,
    "imagehash": imagehash_loop,
    "difpy": difpy,
}


if __name__ == "__main__":
    main()
