"""Pictures for terminals, decoded again: what was sent is what was meant."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
from conftest import drawn_picture
from PIL import Image

from augnet_cli.errors import UsageError
from augnet_cli.report.terminal_pictures import (
    Graphics,
    Screen,
    drawn,
    graphics_of,
    half_blocks,
    iterm2,
    kitty,
    sixel,
)

PLAIN = (0, 0, 0, 0)


def picture(width: int, height: int) -> np.ndarray:
    """A drawn picture with a hole and a margin where the terminal's ground is seen."""
    pixels = np.full((height, width, 4), 255, np.uint8)
    pixels[:, :, :3] = np.asarray(drawn_picture(3, width, height))
    pixels[: height // 2, : width // 4, 3] = 0
    pixels[-1, :, 3] = 0
    pixels[:, :, :3][pixels[:, :, 3] == 0] = 0
    return pixels


def seen_half_blocks(lines: list[str]) -> np.ndarray:
    """A small terminal: the pixels (h, w, 4) of lines of half blocks, by their colour codes."""
    rows = []
    for line in lines:
        letter, ground = PLAIN, PLAIN
        upper, lower = [], []
        for codes, character in re.findall("\x1b\\[([0-9;]*)m|(.)", line):
            if character:
                halves = {"▀": (letter, ground), "▄": (ground, letter), " ": (ground, ground)}[character]
                upper.append(halves[0])
                lower.append(halves[1])
                continue
            words = [int(code) for code in codes.split(";")]
            while words:
                kind = words.pop(0)
                if kind == 0:
                    letter, ground = PLAIN, PLAIN
                else:
                    assert words.pop(0) == 2
                    colour = (*words[:3], 255)
                    del words[:3]
                    letter, ground = (colour, ground) if kind == 38 else (letter, colour)
        rows += [upper, lower]
    return np.array(rows, np.uint8)


def seen_sixels(text: str) -> np.ndarray:
    """A small terminal: the pixels (h, w, 4) of one picture in sixels."""
    body = re.fullmatch('\x1bP0;1;0q"1;1;(\\d+);(\\d+)(.*)\x1b\\\\', text, re.DOTALL)
    assert body is not None
    width, height = int(body[1]), int(body[2])
    pixels = np.zeros((height, width, 4), np.uint8)
    colours: dict[int, tuple[int, int, int]] = {}
    current, across, top = (0, 0, 0), iter(range(width)), 0
    for number, told, repeat, repeated, control, letter in re.findall(
        r"#(\d+)(;2;\d+;\d+;\d+)?|!(\d+)([?-~])|([$-])|([?-~])", body[3]
    ):
        if number:
            if told:
                red, green, blue = (round(int(part) * 2.55) for part in told[3:].split(";"))
                colours[int(number)] = (red, green, blue)
            current = colours[int(number)]
        elif control:
            across = iter(range(width))
            top += 6 if control == "-" else 0
        else:
            for _ in range(int(repeat or 1)):
                bits, column = ord(repeated or letter) - 63, next(across)
                for down in range(6):
                    if bits >> down & 1:
                        pixels[top + down, column] = (*current, 255)
    return pixels


def test_half_blocks_show_each_pixel_in_its_colour_and_leave_the_rest_to_the_terminal() -> None:
    pixels = picture(13, 12)
    lines = list(half_blocks(pixels))
    np.testing.assert_array_equal(seen_half_blocks(lines), pixels)
    assert len(lines) == 6 and all(line.endswith("\x1b[0m") for line in lines)


@pytest.mark.parametrize(("width", "height"), [(40, 30), (41, 31), (1, 1), (7, 6)])
def test_sixels_show_the_picture_in_at_most_255_colours(width: int, height: int) -> None:
    pixels = picture(width, height)
    seen = seen_sixels(sixel(pixels))
    np.testing.assert_array_equal(seen[:, :, 3], pixels[:, :, 3])
    apart = np.abs(seen.astype(int) - pixels)[pixels[:, :, 3] > 0]
    # The drawn picture has all colours there are; photographs come within 2 levels.
    assert not apart.size or apart.mean() < 12


def test_a_picture_of_few_colours_keeps_them_in_sixels() -> None:
    pixels = np.zeros((9, 20, 4), np.uint8)
    pixels[:, :7], pixels[:5, 7:] = (255, 0, 0, 255), (0, 255, 255, 255)
    np.testing.assert_array_equal(seen_sixels(sixel(pixels)), pixels)


def test_sixels_count_equal_letters() -> None:
    wide = np.full((6, 1000, 4), 255, np.uint8)
    assert len(sixel(wide)) < 100


@pytest.mark.parametrize("size", [(10, 20), (400, 300)])
def test_kittys_commands_hold_the_picture_in_parts_and_ask_for_no_answer(size: tuple[int, int]) -> None:
    pixels = picture(*size)
    pixels[:, :, 0] ^= np.random.default_rng(0).integers(0, 16, pixels.shape[:2], np.uint8)

    commands = re.findall("\x1b_G(.*?);(.*?)\x1b\\\\", kitty(pixels, 40, 15))

    assert commands[0][0].startswith("a=T,f=100,q=2,c=40,r=15,m=")
    assert [facts[-3:] for facts, _ in commands] == ["m=1"] * (len(commands) - 1) + ["m=0"]
    assert all(len(letters) <= 4096 for _, letters in commands)
    assert len(commands) > 1 or size == (10, 20)
    file = base64.b64decode("".join(letters for _, letters in commands))
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))), pixels)


def test_iterm2s_command_holds_the_picture_and_its_place() -> None:
    pixels = picture(40, 40)
    found = re.fullmatch("\x1b\\]1337;File=(.*?):(.*)\x07", iterm2(pixels, 4, 2))
    assert found is not None
    file = base64.b64decode(found[2])
    assert f"inline=1;size={len(file)};width=4;height=2" in found[1]
    np.testing.assert_array_equal(np.asarray(Image.open(io.BytesIO(file))), pixels)


@pytest.mark.parametrize("graphics", list(Graphics))
def test_each_way_draws_in_lines(graphics: Graphics) -> None:
    lines = list(drawn(picture(40, 40), 2, Screen(graphics, 80, 10, 20)))
    assert len(lines) == (20 if graphics is Graphics.blocks else 1)
    assert not any("\n" in line for line in lines)


@pytest.mark.parametrize(
    ("variables", "expected"),
    [
        ({}, Graphics.blocks),
        ({"TERM": "xterm-256color"}, Graphics.blocks),
        ({"TERM": "xterm-kitty"}, Graphics.kitty),
        ({"TERM": "xterm-256color", "KITTY_WINDOW_ID": "1"}, Graphics.kitty),
        ({"TERM": "xterm-256color", "KONSOLE_VERSION": "230800"}, Graphics.kitty),
        ({"TERM_PROGRAM": "iTerm.app"}, Graphics.iterm2),
        ({"TERM_PROGRAM": "WezTerm"}, Graphics.iterm2),
        ({"LC_TERMINAL": "iTerm2"}, Graphics.iterm2),
        ({"TERM": "foot"}, Graphics.sixel),
        ({"TERM": "yaft-256color"}, Graphics.sixel),
        ({"TERM": "xterm-sixel"}, Graphics.sixel),
        ({"TERM": "xterm-kitty", "TMUX": "/tmp/tmux"}, Graphics.blocks),
        ({"TERM": "screen-256color", "KITTY_WINDOW_ID": "1"}, Graphics.blocks),
        ({"TERM": "screen", "AUGNET_GRAPHICS": "sixel"}, Graphics.sixel),
        ({"TERM": "xterm-kitty", "AUGNET_GRAPHICS": ""}, Graphics.kitty),
    ],
)
def test_a_terminal_is_known_by_its_environment(variables: dict[str, str], expected: Graphics) -> None:
    assert graphics_of(variables) is expected


def test_a_way_that_is_none_is_refused_by_name() -> None:
    with pytest.raises(UsageError, match="AUGNET_GRAPHICS is nonsense"):
        graphics_of({"AUGNET_GRAPHICS": "nonsense"})
