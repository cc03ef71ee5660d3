"""Cameras and colours of clusters, from a few pictures of each that are read again, small."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import numpy as np
from PIL import Image

from augnet_cli.cores import usable_cores
from augnet_cli.images.decode import MAX_MEGAPIXELS, decode_small
from augnet_cli.images.files import read_bytes
from augnet_cli.images.unusable import Unusable
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.progress import SILENT, Progress
from augnet_cli.records import Decoded
from augnet_cli.results import Cluster

# Pictures that are looked at of a cluster: enough to tell what most have, and some seconds of work for 20
# clusters of photos of 12 megapixels.
SAMPLE = 16
SIDE = 48  # pixels, of the longer side: colours of the whole, not of a leaf
COLOURS, CAMERAS = 5, 3  # told of each
LEAST_CAMERA = 0.25  # of the sample: fewer say nothing of the cluster
# Colours between which a cluster's are found: more of them split a sky in two, fewer lose a red hat.
PALETTE = 8


def with_looks(
    clusters: Sequence[Cluster], request: FolderRequest, progress: Progress = SILENT
) -> tuple[Cluster, ...]:
    """The clusters, and their children, with cameras and colours of a sample of their pictures.

    What can't be read again is left out of the sample.
    """
    limit = request.max_megapixels or MAX_MEGAPIXELS
    sampled = [_sample(one.members) for one in clusters]
    paths = sorted({path for sample in sampled for path in sample})
    progress.start("looking at clusters", len(paths))

    def look(path: str) -> Decoded | None:
        try:
            data = read_bytes(os.path.join(request.folder, path), follow_links=False)
            return decode_small(data, SIDE, limit, path)
        except Unusable:
            return None
        finally:
            progress.advance()

    with ThreadPoolExecutor(request.workers or usable_cores(), thread_name_prefix="augnet-look") as pool:
        seen = dict(zip(paths, pool.map(look, paths), strict=True))
    progress.finish()
    return tuple(
        _told(one, [picture for path in sample if (picture := seen[path]) is not None])
        for one, sample in zip(clusters, sampled, strict=True)
    )


def _sample(members: Sequence[str]) -> Sequence[str]:
    """Evenly over the members, which are in order of path."""
    if len(members) <= SAMPLE:
        return members
    return [members[place] for place in np.linspace(0, len(members) - 1, SAMPLE).round().astype(int).tolist()]


def _told(cluster: Cluster, pictures: Sequence[Decoded]) -> Cluster:
    if not pictures:
        return cluster
    cameras = Counter(picture.camera for picture in pictures if picture.camera)
    common = [(name, times) for name, times in cameras.items() if times >= LEAST_CAMERA * len(pictures)]
    commonest = sorted(common, key=lambda item: (-item[1], item[0]))[:CAMERAS]
    looks = replace(
        cluster.looks,
        cameras=tuple((name, times / len(pictures)) for name, times in commonest),
        colours=colours_of([picture.pixels for picture in pictures]),
        looked_at=len(pictures),
    )
    return replace(cluster, looks=looks)


def colours_of(pictures: Sequence[np.ndarray]) -> tuple[tuple[str, float], ...]:
    """The main colours of (h, w, 3) uint8 pictures as `#rrggbb` with their shares, the commonest first.

    By median cut (Heckbert, "Color Image Quantization for Frame Buffer Display", 1982), each picture counting
    as much as its pixels.
    """
    pixels = np.concatenate([picture.reshape(-1, 3) for picture in pictures])
    palette = Image.fromarray(pixels[None]).quantize(
        PALETTE, Image.Quantize.MEDIANCUT, dither=Image.Dither.NONE
    )
    numbers = np.bincount(np.asarray(palette).ravel(), minlength=PALETTE)
    entries = np.array((palette.getpalette() or [])[: 3 * PALETTE], np.uint8).reshape(-1, 3)
    shares: Counter[str] = Counter()
    for entry, number in zip(entries.tolist(), numbers.tolist(), strict=False):
        if number:
            shares["#{:02x}{:02x}{:02x}".format(*entry)] += number
    ordered = sorted(shares.items(), key=lambda item: (-item[1], item[0]))[:COLOURS]
    return tuple((colour, number / len(pixels)) for colour, number in ordered)
