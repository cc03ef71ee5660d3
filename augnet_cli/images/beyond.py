"""What a file holds beyond the picture that is compared: further frames or pages, and transparency.

Comparison sees the first frame, laid over white.  A file that holds more must not go for one that holds less.
Not counted: what a JPEG carries beside its picture (a preview, depth, a map of brightness), sizes of an icon.
"""

from __future__ import annotations

from contextlib import nullcontext
from typing import Any

from PIL import Image

from augnet_cli.images.colour import has_transparency
from augnet_cli.images.identify import kind_of
from augnet_cli.images.mutter import catching_stderr, hushed_warnings
from augnet_cli.images.opening import (
    MAX_MEGAPIXELS,
    NEW_SUBFILE_TYPE,
    REDUCED,
    SILENT_KINDS,
    check_size,
    kind_to_decode,
    open_header,
)

FRAMES, TRANSPARENCY = "frames", "transparency"
ALL = frozenset((FRAMES, TRANSPARENCY))
NOTHING: frozenset[str] = frozenset()
# Their bytes need not be read to know that they hold one opaque picture.
PLAIN_KINDS = frozenset(("JPEG",))
ICONS = frozenset(("ICO", "CUR", "ICNS"))


def is_plain(head: bytes) -> bool:
    """Whether a file that begins like this holds one opaque picture, whatever follows."""
    return kind_of(head) in PLAIN_KINDS


def beyond(data: bytes, name: str = "", max_megapixels: float = MAX_MEGAPIXELS) -> frozenset[str] | None:
    """FRAMES, TRANSPARENCY, both or neither; None where that can't be told."""
    try:
        kind = kind_to_decode(data, name)
        if kind in PLAIN_KINDS:
            return NOTHING
        with hushed_warnings(), nullcontext() if kind in SILENT_KINDS else catching_stderr():
            image = open_header(data, kind)
            check_size(image.size, max_megapixels)
            # Transparency first: it is the first frame's.
            found = {TRANSPARENCY} if _is_transparent(image) else set()
            if kind not in ICONS and _has_frames(image):
                found.add(FRAMES)
    except Exception:  # noqa: BLE001 - decoders raise anything
        return None
    return frozenset(found)


def _is_transparent(image: Image.Image) -> bool:
    if not has_transparency(image):
        return False
    opaque = (255, 255)  # the least and the most of eight bits
    return image.convert("RGBA").getchannel("A").getextrema() != opaque


def _has_frames(image: Image.Image) -> bool:
    if not hasattr(image, "tag_v2"):
        # Of a film to count the frames would take as long as to read it.
        is_animated = getattr(image, "is_animated", None)
        return bool(is_animated) if is_animated is not None else getattr(image, "n_frames", 1) > 1
    for page in range(1, getattr(image, "n_frames", 1)):
        image.seek(page)
        kind: Any = image.tag_v2.get(NEW_SUBFILE_TYPE, 0)
        if not kind & REDUCED:
            return True
    return False
