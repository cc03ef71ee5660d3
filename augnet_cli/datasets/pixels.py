"""One image of a split as pixels: from an array that is there, or from the bytes of a file."""

from __future__ import annotations

import numpy as np
from PIL import Image

from augnet_cli.datasets.record import Images
from augnet_cli.images.decode import decode, decode_short_side
from augnet_cli.images.squares import resized, square
from augnet_cli.records import Resize


def square_of(images: Images, number: int, resize: Resize) -> np.ndarray:
    """(S, S, 3) uint8 of one image, as an encoder takes it.

    Raises:
        Unusable: the image can't be read or decoded.
    """
    found = images.read(number)
    if isinstance(found, np.ndarray):
        return square(found, resize.size)
    return decode(found, resize, name=images.name(number)).pixels


def short_side_of(images: Images, number: int, side: int) -> np.ndarray:
    """(h, w, 3) uint8 of one image, the shorter of h and w `side` at most, never enlarged.

    Raises:
        Unusable: as `square_of`.
    """
    return shortened(images.read(number), side, images.name(number))


def shortened(found: np.ndarray | bytes, side: int, name: str) -> np.ndarray:
    """As `short_side_of`, of what was read.

    Raises:
        Unusable: it can't be decoded.
    """
    if not isinstance(found, np.ndarray):
        return decode_short_side(found, side, name=name).pixels
    height, width = found.shape[:2]
    scale = side / min(height, width)
    if scale >= 1:
        return found
    size = max(1, round(width * scale)), max(1, round(height * scale))
    return np.asarray(resized(Image.fromarray(found), size))
