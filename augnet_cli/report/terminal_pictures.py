"""Pictures in a terminal: by its own graphics where it says that it has some, else by coloured half blocks.

What a terminal has is told by its environment alone: to ask it would read what the user types.
Pixels are (h, w, 4) uint8: red, green, blue, and 255 where there is a picture, 0 on the terminal's ground.
"""

from __future__ import annotations

import base64
import io
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

import numpy as np
from PIL import Image

from augnet_cli.errors import UsageError
from augnet_cli.images.names import shown

HALF_BLOCK = "\u2580"
KITTY_CHUNK = 4096  # base64 letters a command takes at most, by the protocol
SIXEL_COLOURS = 255  # of a palette; one more number stays for what is no picture
SIXEL_BAND = 6  # rows of pixels that one letter holds
SIXEL_ZERO = 63  # the letter for none of the six
NONE = 255  # in place of a colour: no picture here
SHORTEST_RUN = 4  # equal letters from which a count before one of them is shorter
OVERRIDE = "AUGNET_GRAPHICS"
# What terminals call themselves, in TERM and TERM_PROGRAM.
WITHIN_ANOTHER = ("screen", "tmux")
KITTY_TERMS = ("xterm-kitty", "xterm-ghostty")
ITERM2_PROGRAMS = ("iTerm.app", "WezTerm", "mintty")
SIXEL_TERMS = ("foot", "mlterm", "yaft", "contour")


class Graphics(str, Enum):
    """How a terminal shows pictures."""

    kitty = "kitty"
    iterm2 = "iterm2"
    sixel = "sixel"
    blocks = "blocks"


@dataclass(frozen=True, slots=True)
class Screen:
    """A terminal: its way of pictures, its width in cells, and the size of a cell in pixels."""

    graphics: Graphics
    columns: int
    cell_width: int
    cell_height: int


def graphics_of(environ: Mapping[str, str]) -> Graphics:
    """What the terminal of these variables can do, unless AUGNET_GRAPHICS names a way.

    Within tmux and screen pictures of the terminal around them get lost, so blocks serve there.

    Raises:
        UsageError: AUGNET_GRAPHICS names no way.
    """
    asked = environ.get(OVERRIDE, "")
    if asked in Graphics.__members__:
        return Graphics[asked]
    if asked:
        raise UsageError(
            f"{OVERRIDE} is {shown(asked)}, which is no way to draw in a terminal",
            f"set it to one of {', '.join(Graphics.__members__)}, or leave it out",
        )
    term, program = environ.get("TERM", ""), environ.get("TERM_PROGRAM", "")
    if "TMUX" in environ or "STY" in environ or term.startswith(WITHIN_ANOTHER):
        return Graphics.blocks
    if {"KITTY_WINDOW_ID", "KONSOLE_VERSION"} & set(environ) or term in KITTY_TERMS or program == "ghostty":
        return Graphics.kitty
    if program in ITERM2_PROGRAMS or environ.get("LC_TERMINAL") == "iTerm2":
        return Graphics.iterm2
    return Graphics.sixel if term.startswith(SIXEL_TERMS) or "sixel" in term else Graphics.blocks


def drawn(pixels: np.ndarray, rows: int, screen: Screen) -> Iterator[str]:
    """Lines that draw a picture over `rows` rows of the terminal, from its left edge.

    Args:
        pixels: (h, w, 4), `rows` cells high and whole cells wide: with blocks a cell is one pixel wide and
            two high, else as the screen says.
    """
    if screen.graphics is Graphics.blocks:
        yield from half_blocks(pixels)
    elif screen.graphics is Graphics.sixel:
        yield sixel(pixels)
    else:
        columns = pixels.shape[1] // screen.cell_width
        send = kitty if screen.graphics is Graphics.kitty else iterm2
        yield send(pixels, columns, rows)


def half_blocks(pixels: np.ndarray) -> Iterator[str]:
    """A line for each two rows of pixels: the upper is the letter's colour, the lower that of its ground."""
    for upper, lower in zip(pixels[::2].tolist(), pixels[1::2].tolist(), strict=True):
        line, before = [], ""
        for above, below in zip(upper, lower, strict=True):
            letter, look = _half_block(above, below)
            line.append(letter if look == before else f"\x1b[0m{look}{letter}")
            before = look
        yield "".join(line) + "\x1b[0m"


def _half_block(above: list[int], below: list[int]) -> tuple[str, str]:
    """A letter and the codes of its look."""
    up, down = (f"2;{red};{green};{blue}" for red, green, blue, _ in (above, below))
    if above[3] and below[3]:
        return HALF_BLOCK, f"\x1b[38;{up};48;{down}m"
    if above[3]:
        return HALF_BLOCK, f"\x1b[38;{up}m"
    if below[3]:
        return "\u2584", f"\x1b[38;{down}m"
    return " ", ""


def kitty(pixels: np.ndarray, columns: int, rows: int) -> str:
    """The commands of kitty's protocol that show a picture over so many cells; none of them is answered.

    https://sw.kovidgoyal.net/kitty/graphics-protocol/
    """
    letters = base64.b64encode(_png(pixels)).decode("ascii")
    parts = [letters[start : start + KITTY_CHUNK] for start in range(0, len(letters), KITTY_CHUNK)]
    commands = []
    for number, part in enumerate(parts):
        first = f"a=T,f=100,q=2,c={columns},r={rows}," if number == 0 else ""
        commands.append(f"\x1b_G{first}m={int(number + 1 < len(parts))};{part}\x1b\\")
    return "".join(commands)


def iterm2(pixels: np.ndarray, columns: int, rows: int) -> str:
    """The command of iTerm2 that shows a picture over so many cells.  https://iterm2.com/documentation-images.html"""
    file = _png(pixels)
    facts = f"inline=1;size={len(file)};width={columns};height={rows};preserveAspectRatio=0"
    return f"\x1b]1337;File={facts}:{base64.b64encode(file).decode('ascii')}\x07"


def sixel(pixels: np.ndarray) -> str:
    """A picture in DEC's sixels, in at most 255 colours; what is no picture keeps the terminal's ground.

    Each letter is six pixels of one colour, one below the other ("VT330/VT340 Programmer Reference Manual",
    volume 2, chapter 14, 1987).
    """
    picture = Image.fromarray(np.ascontiguousarray(pixels[:, :, :3])).quantize(SIXEL_COLOURS)
    palette = np.array(picture.getpalette(), np.uint8).reshape(-1, 3)
    numbers = np.array(picture, np.uint8)
    numbers[pixels[:, :, 3] == 0] = NONE
    height, width = numbers.shape
    parts = [f'\x1bP0;1;0q"1;1;{width};{height}']
    for number in np.unique(numbers[numbers != NONE]).tolist():
        red, green, blue = (round(100 * level / 255) for level in palette[number].tolist())
        parts.append(f"#{number};2;{red};{green};{blue}")
    for top in range(0, height, SIXEL_BAND):
        band = numbers[top : top + SIXEL_BAND]
        weights = (1 << np.arange(len(band)))[:, None]
        for number in np.unique(band[band != NONE]).tolist():
            letters = (np.where(band == number, weights, 0)).sum(axis=0)
            parts.append(f"#{number}{_runs(letters)}$")  # `$`: back to the left edge
        parts.append("-")  # the next band
    return "".join(parts) + "\x1b\\"


def _runs(letters: np.ndarray) -> str:
    """Letters of a band (w,), those that stand side by side counted; nothing at its end."""
    last = int(np.flatnonzero(letters)[-1]) + 1
    starts = np.flatnonzero(np.diff(letters[:last], prepend=-1))
    lengths = np.diff(starts, append=last)
    runs = []
    for value, length in zip(letters[starts].tolist(), lengths.tolist(), strict=True):
        letter = chr(SIXEL_ZERO + value)
        runs.append(letter * length if length < SHORTEST_RUN else f"!{length}{letter}")
    return "".join(runs)


def _png(pixels: np.ndarray) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.ascontiguousarray(pixels)).save(file, "PNG", compress_level=1)
    return file.getvalue()
