"""File names as a person may safely see them.

A name may hold anything but `/` and NUL: line breaks, terminal escape codes, letters that run backwards.
Markup such as `[red]` is harmless text here; whoever prints through a markup language escapes it.
"""

from __future__ import annotations

import os
import shlex
import unicodedata

# Control, format (bidi overrides, invisible marks), surrogate, line and paragraph separators.
UNSAFE_CATEGORIES = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
# Joiners hold emoji families and Persian or Indic words together; they move nothing on the screen.
JOINERS = frozenset("\u200c\u200d")
SHORT_ESCAPES = {"\n": r"\n", "\r": r"\r", "\t": r"\t"}
# os.fsdecode turns a byte 0x80..0xFF that is no UTF-8 into U+DC80..U+DCFF.
FIRST_BYTE_SURROGATE, LAST_BYTE_SURROGATE = 0xDC80, 0xDCFF
# Where `/` parts paths a name may hold a backslash, which is doubled so that two names never look alike.
# Where `\` parts paths no name can hold one, nor a control character.
BACKSLASH_IN_NAMES = os.sep == "/"


def shown(path: str) -> str:
    r"""A path on one line, harmless to a terminal: `a<newline>b` is shown as `a\nb`, byte FF as `\xff`.

    Printable characters and emoji stay. Different paths are shown differently.
    """
    if path.isascii() and path.isprintable() and "\\" not in path:
        return path
    return "".join(map(_shown_character, path))


def pasted(text: str, instead: str = "FOLDER") -> str:
    """A path, or other text, quoted for a shell; what can't be shown as it is becomes the word `instead`."""
    return shlex.quote(text) if shown(text) == text else instead


def encoder_words(typed: str | None) -> str:
    """What to add to a command, with a space before it, so that it takes the encoder that the user named."""
    return "" if typed is None else f" --encoder {pasted(typed, 'FILE')}"


def _shown_character(character: str) -> str:
    if character == "\\":
        return "\\\\" if BACKSLASH_IN_NAMES else character
    if character in JOINERS or unicodedata.category(character) not in UNSAFE_CATEGORIES:
        return character
    if character in SHORT_ESCAPES:
        return SHORT_ESCAPES[character]
    code = ord(character)
    if FIRST_BYTE_SURROGATE <= code <= LAST_BYTE_SURROGATE:
        return f"\\x{code - 0xDC00:02x}"
    if code < 0x80:
        return f"\\x{code:02x}"
    # Not \x: that would read as a raw byte.
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"
