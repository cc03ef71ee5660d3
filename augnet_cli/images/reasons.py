"""What a decoder raised, as one line of plain words."""

from __future__ import annotations

import re
import struct

from augnet_cli.images.names import shown

MAX_REASON = 190
# Messages of these classes speak of Python's insides (a key, an index, a type), not of the file.
_SILENT = (
    LookupError,
    TypeError,
    AttributeError,
    ArithmeticError,
    struct.error,
    RuntimeError,
    AssertionError,
)
_CUT_SHORT = re.compile(
    r"truncat|not enough (image )?data|unexpected end|premature|eof|cut short|no more data"
    r"|short read|requires a buffer|not enough bytes|invalid read at|read error (on|at)",
    re.IGNORECASE,
)
# Pillow's own words where they say nothing to a person, or too much.
_PLAINER = (
    (
        re.compile(r"decompressed data too large|text chunk|text memory", re.IGNORECASE),
        "a text in it unpacks too large",
    ),
    (re.compile(r"broken data stream|unrecognized data stream|^broken PNG file"), "its data make no sense"),
    (re.compile(r"^decoder error|cannot load this image|not identified by|^not an? .* file$"), ""),
    (re.compile(r"unable to seek to frame", re.IGNORECASE), "its first picture lies beyond its end"),
)
# libtiff names the file that Pillow made up for it.
_MADE_UP_NAME = re.compile(r"\btempfile\.tif: ")
_INSIDE_PYTHON = re.compile(
    r"<[^>]*>|0x[0-9a-f]{5,}|\bobject\b|\b[A-Z]\w+(?:Error|Exception)\b|__"
    r"|\bb['\"]|literal for int|index out of range|seek value|filter category"
)


def plain_reason(kind: str, error: Exception, mutter: str) -> str:
    """Why a picture of this kind could not be decoded; `mutter` is what its library wrote meanwhile."""
    if isinstance(error, MemoryError):
        return f"{kind}: there is not enough memory to decode it"
    said = "" if isinstance(error, _SILENT) else str(error)
    muttered = _MADE_UP_NAME.sub("", first_line(mutter))
    if isinstance(error, EOFError) or _CUT_SHORT.search(str(error)) or _CUT_SHORT.search(muttered):
        return f"{kind} cut short: data are missing at its end"
    detail = _plain(muttered) or _plain(said)
    return trimmed(f"{kind} damaged or of an unknown variety" + (f": {detail}" if detail else ""))


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


def _plain(message: str) -> str:
    """The message if a person can read it, else nothing."""
    message = message.strip().rstrip(".")
    for pattern, plainer in _PLAINER:
        if pattern.search(message):
            return plainer
    if not re.search(r"[A-Za-z]{2}", message) or _INSIDE_PYTHON.search(message):
        return ""
    return message
