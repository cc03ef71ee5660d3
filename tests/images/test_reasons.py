"""What a decoder raised, in plain words."""

from __future__ import annotations

import struct

import pytest

from augnet_cli.images.reasons import MAX_REASON, plain_reason, trimmed

DAMAGED = "TIFF damaged or of an unknown variety"
CUT = "TIFF cut short: data are missing at its end"
HEADER = "its header makes no sense"
COMPRESSED = "it is compressed in a way that can't be read here"
COLOURS = "it stores its colours in a way that can't be read here"


@pytest.mark.parametrize(
    ("error", "mutter", "reason"),
    [
        (OSError("image file is truncated (3 bytes not processed)"), "", CUT),
        (struct.error("unpack requires a buffer of 4 bytes"), "", CUT),
        (EOFError(), "", CUT),
        (OSError("decoder error -2"), "_tiffReadProc: Invalid Read at loc 3309, eof: 2529.\nmore\n", CUT),
        (OSError("decoder error -2"), "\ntempfile.tif: no WEBP here.\n", f"{DAMAGED}: {COMPRESSED}"),
        (OSError("decoder error -2"), "", DAMAGED),
        (KeyError((1, 2)), "", DAMAGED),
        (IndexError("list index out of range"), "", DAMAGED),
        (ValueError("cannot identify image file <_io.BytesIO object at 0x7f3a2b>"), "", DAMAGED),
        (ValueError("ValueError: bad"), "", DAMAGED),
        (ValueError("invalid literal for int() with base 10: b'1B'"), "", DAMAGED),
        (ValueError("b'Token too long in file header: 1\\xff'"), "", f"{DAMAGED}: {HEADER}"),
        (ValueError("nobody\x1b[31m knows"), "", DAMAGED),
        (OSError("Unsupported BMP bitfields layout"), "", f"{DAMAGED}: {COLOURS}"),
        (OSError("Unsupported BMP pixel depth (30000)"), "", f"{DAMAGED}: {COLOURS}"),
        (OSError("cannot handle 12-bit layers"), "", f"{DAMAGED}: {COLOURS}"),
        (OSError("Unsupported BMP compression (6)"), "", f"{DAMAGED}: {COMPRESSED}"),
        (SyntaxError("Malformed JP2 header"), "", f"{DAMAGED}: {HEADER}"),
        (OSError("decoder error -2"), "TIFFFetchNormalTag: Defined set_get_field_type of tag 0", DAMAGED),
        (MemoryError(), "", "TIFF: there is not enough memory to decode it"),
    ],
)  # fmt: skip
def test_reason_speaks_of_the_file_and_not_of_python(error: Exception, mutter: str, reason: str) -> None:
    assert plain_reason("TIFF", error, mutter) == reason


def test_long_reasons_are_trimmed_to_one_line() -> None:
    reason = trimmed("far too\nmany words " * 50)
    assert len(reason) <= MAX_REASON and reason.endswith("…") and "\n" not in reason
    assert trimmed("short") == "short"
