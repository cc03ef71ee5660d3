"""Text on contact sheets: a font that is always there, and texts cut to a width.

DejaVu has the letters of most alphabets and is on most Linux machines; elsewhere Pillow's own font serves.
A letter that the font lacks is a box, or a question mark in the oldest kind of font, never an error.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from PIL import ImageFont, features

FONT = "DejaVuSans.ttf"
CUT = "..."  # three dots, which every font has
HARD_LIMIT = 500  # characters looked at; a line holds some thirty


AnyFont = ImageFont.FreeTypeFont | ImageFont.ImageFont


class Font(Protocol):
    """What of Pillow's fonts is used here."""

    def getlength(self, text: str) -> float: ...


def font_of(size: int) -> AnyFont:
    """The font of the sheets, `size` pixels high."""
    try:
        return ImageFont.truetype(FONT, size)
    except (OSError, ImportError):  # no such font, or a Pillow without FreeType
        return ImageFont.load_default(size if features.check("freetype2") else None)


def cut_end(text: str, font: Font, width: int) -> str:
    """`text`, or as much of its beginning as fits into `width` pixels."""
    text = _sayable(text[:HARD_LIMIT], font)
    if font.getlength(text) <= width:
        return text
    kept = _most(len(text), lambda letters: font.getlength(text[:letters] + CUT) <= width)
    return text[:kept] + CUT


def cut_middle(text: str, font: Font, width: int) -> str:
    """`text` without as much of its middle as does not fit: a name's beginning and its end tell most."""
    if len(text) > HARD_LIMIT:
        text = text[: HARD_LIMIT // 2] + text[-HARD_LIMIT // 2 :]
    text = _sayable(text, font)
    if font.getlength(text) <= width:
        return text

    def cut(letters: int) -> str:
        head = letters // 2
        return text[:head] + CUT + text[len(text) - (letters - head) :]

    return cut(_most(len(text) - 1, lambda letters: font.getlength(cut(letters)) <= width))


def wrapped(text: str, font: Font, width: int, lines: int) -> tuple[str, ...]:
    """`text` in at most so many lines, broken between words; what is too long for them is cut at its end."""
    words = text[:HARD_LIMIT].split()
    made: list[str] = []
    for word in words:
        longer = f"{made[-1]} {word}" if made else word
        if made and (len(made) == lines or font.getlength(_sayable(longer, font)) <= width):
            made[-1] = longer
        else:
            made.append(word)
    return tuple(cut_end(line, font, width) for line in made)


def _most(limit: int, fits: Callable[[int], bool]) -> int:
    """The largest number up to `limit` that fits, found by halving; 0 if none does."""
    low, high = 0, limit
    while low < high:
        middle = (low + high + 1) // 2
        low, high = (middle, high) if fits(middle) else (low, middle - 1)
    return low


def _sayable(text: str, font: Font) -> str:
    """What the font can be asked for: Pillow's oldest knows Latin letters alone and raises at others."""
    if isinstance(font, ImageFont.ImageFont):
        return text.encode("latin-1", "replace").decode("latin-1")
    return text
