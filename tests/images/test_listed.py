"""Lists of paths from other programs."""

from __future__ import annotations

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.images.listed import listed_paths


@pytest.mark.parametrize(
    ("data", "paths"),
    [
        (b"", ()),
        (b"\n \n", ()),
        (b"a.jpg\nb c.jpg\n", ("a.jpg", "b c.jpg")),
        (b"a.jpg\r\n\r\nb.jpg", ("a.jpg", "b.jpg")),
        (b"\xef\xbb\xbfa.jpg\n", ("a.jpg",)),
        (b"a\nb.jpg\0 c.jpg\0", ("a\nb.jpg", " c.jpg")),
        (b"\xff.jpg\n", (os.fsdecode(b"\xff.jpg"),)),
    ],
)
def test_lines_and_zero_separated_names(data: bytes, paths: tuple[str, ...]) -> None:
    assert listed_paths(data) == paths


@given(st.lists(st.binary(min_size=1).filter(lambda name: b"\0" not in name), min_size=1))
def test_any_name_comes_through_with_zero_bytes(names: list[bytes]) -> None:
    assert listed_paths(b"".join(name + b"\0" for name in names)) == tuple(map(os.fsdecode, names))
