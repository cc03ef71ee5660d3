"""What a file holds whose bytes are those of no image, in words for the reason of a skip."""

from __future__ import annotations

_BY_START = (
    (b"%PDF", "a PDF document"),
    (b"PK\x03\x04", "a ZIP archive"),
    (b"\x1f\x8b", "gzip-compressed data"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf\x27\x1c", "a 7-Zip archive"),
    (b"\x00\x05\x16\x07", "macOS side data of the file without `._` in its name"),
    (b"\x00\x00\x01\xba", "an MPEG film"),
    (b"\x00\x00\x01\xb3", "an MPEG film"),
    (b"\x1aE\xdf\xa3", "a Matroska or WebM film"),
    (b"OggS", "Ogg sound or film"),
    (b"ID3", "MP3 sound"),
    (b"SQLite format 3\x00", "an SQLite database"),
    (b"version https://git-lfs", "a Git LFS pointer, not the picture itself"),
)
# Longer looks would not change what the first lines tell.
LOOK_BYTES = 4096
_TEXT_CONTROLS = frozenset(b"\t\n\r\f\x1b")


def held_by(data: bytes) -> str:
    """Plain words for what the bytes are, after "holds": `text, no image`."""
    if not data.strip(b"\x00"):
        return "only zero bytes (a copy that broke off?), no image"
    head = data[:LOOK_BYTES]
    for start, what in _BY_START:
        if head.startswith(start):
            return what
    if head[4:8] == b"ftyp":
        return "a film (MP4 or QuickTime)"
    if not _is_text(head):
        return "no image format that is known"
    start = head.lstrip(b"\xef\xbb\xbf \t\r\n")[:16].lower()
    return (
        "a web page (HTML), no image" if start.startswith((b"<!doctype html", b"<html")) else "text, no image"
    )


def _is_text(head: bytes) -> bool:
    if any(byte < 0x20 and byte not in _TEXT_CONTROLS for byte in head):
        return False
    try:
        head.decode("utf-8")
    except UnicodeDecodeError as error:
        # A character that LOOK_BYTES cut in two is no fault of the text.
        return error.reason == "unexpected end of data" and error.start >= LOOK_BYTES - 4
    return True
