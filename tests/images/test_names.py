"""File names shown to a person."""

from __future__ import annotations

import os
import re
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.images.names import shown


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("photos/a b.jpg", "photos/a b.jpg"),
        ("a\nb.jpg", r"a\nb.jpg"),
        ("a\r\tb", r"a\r\tb"),
        ("\x1b[31mred\x1b[0m.png", r"\x1b[31mred\x1b[0m.png"),
        ("[red]x[/red].png", "[red]x[/red].png"),
        (os.fsdecode(b"caf\xe9.jpg"), r"caf\xe9.jpg"),
        ("\u0085.jpg", r"\u0085.jpg"),
        ("evil\u202egpj.exe", r"evil\u202egpj.exe"),
        ("été 東京 👨‍👩‍👧 \u202f3.png", "été 東京 👨‍👩‍👧 \u202f3.png"),
        (r"a\nb.jpg", r"a\\nb.jpg"),
        ("\U000e0041", r"\U000e0041"),
    ],
)
def test_name_is_shown_on_one_harmless_line(path: str, expected: str) -> None:
    assert shown(path) == expected


any_name = st.text(st.characters(exclude_categories=[])) | st.binary().map(os.fsdecode)


@given(any_name)
def test_shown_name_holds_nothing_that_acts_on_a_terminal(name: str) -> None:
    for character in shown(name):
        assert character in "\u200c\u200d" or unicodedata.category(character) not in {
            "Cc",
            "Cf",
            "Cs",
            "Zl",
            "Zp",
        }


@given(any_name)
def test_shown_name_can_be_read_back_so_two_names_never_look_alike(name: str) -> None:
    def unescaped(match: re.Match[str]) -> str:
        text = match[0]
        if text[1] == "x":
            code = int(text[2:], 16)
            return chr(code if code < 0x80 else 0xDC00 + code)
        if text[1] in "uU":
            return chr(int(text[2:], 16))
        return {"n": "\n", "r": "\r", "t": "\t", "\\": "\\"}[text[1]]

    pattern = r"\\(?:x[0-9a-f]{2}|u[0-9a-f]{4}|U[0-9a-f]{8}|.)"
    assert re.sub(pattern, unescaped, shown(name)) == name
