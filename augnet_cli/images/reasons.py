"""What a decoder raised, as one line of plain words."""

from __future__ import annotations

import re

from augnet_cli.images.names import shown

MAX_REASON = 190
_CUT_SHORT = re.compile(
    r"truncat|not enough (image )?data|unexpected end|premature|eof|cut short|no more data"
    r"|short read|requires a buffer|not enough bytes|invalid read at|read error (on|at)",
    re.IGNORECASE,
)
# What decoders and their libraries say, and what that means to a person.  What is not listed is left out: a
# name of a function or a number of a tag helps nobody to find a better copy.
_MEANINGS = tuple(
    (re.compile(said, re.IGNORECASE), meaning)
    for said, meaning in (
        (r"decompressed data too large|text chunk|text memory", "a text in it unpacks too large"),
        (r"broken data stream|unrecognized data stream|broken PNG file", "its data make no sense"),
        (r"unable to seek to frame", "its first picture lies beyond its end"),
        (r"frame sequence", "the frames of its animation are out of order"),
        (r"compress|no webp", "it is compressed in a way that can't be read here"),
        (
            r"bitfields|pixel depth|pixel mode|samples per pixel|palette|\b\d+-bit\b|unknown .*\blayout",
            "it stores its colours in a way that can't be read here",
        ),
        (r"header", "its header makes no sense"),
    )
)


def plain_reason(kind: str, error: Exception, mutter: str) -> str:
    """Why a picture of this kind could not be decoded; `mutter` is what its library wrote meanwhile."""
    if isinstance(error, MemoryError):
        return f"{kind}: there is not enough memory to decode it"
    muttered = first_line(mutter)
    if isinstance(error, EOFError) or _CUT_SHORT.search(str(error)) or _CUT_SHORT.search(muttered):
        return f"{kind} cut short: data are missing at its end"
    detail = _meaning(muttered) or _meaning(str(error))
    return f"{kind} damaged or of an unknown variety" + (f": {detail}" if detail else "")


def bomb_size(message: str) -> str:
    """The size in Pillow's refusal of a large picture."""
    pixels = re.search(r"\d+", message)
    return f"{int(pixels[0]) / 1e6:,.0f} megapixels" if pixels else "more megapixels than allowed"


def first_line(mutter: str) -> str:
    """The first line that says anything."""
    return next((line.strip() for line in mutter.splitlines() if line.strip()), "")


def trimmed(reason: str) -> str:
    """At most MAX_REASON characters on one line."""
    reason = shown(" ".join(reason.split()))
    return reason if len(reason) <= MAX_REASON else reason[: MAX_REASON - 1].rstrip() + "…"


def _meaning(message: str) -> str:
    """The message in words for a person; nothing where it has none."""
    return next((meaning for said, meaning in _MEANINGS if said.search(message)), "")
