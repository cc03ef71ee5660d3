"""What every HTML report is made of: one file that holds all it shows and asks nothing of any network.

Its style and script are inside it, and the content security policy names both by their hashes, so nothing
that a file name smuggled in could run or be fetched.  What the script knows is a block of JSON that no text
can end.  Links are relative to the page, so a page and its images may move together.
"""

from __future__ import annotations

import base64
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping
from string import Template
from urllib.parse import quote_from_bytes

from augnet_cli.images.names import shown
from augnet_cli.records import Skip

FOLDER = os.path.dirname(__file__)
# In JSON these stand inside strings alone, so each may be written as its escape; then no text ends the block.
HARMFUL = str.maketrans({character: f"\\u{ord(character):04x}" for character in "<>&"})


def around_the_data(
    frame: str, styles: Iterable[str], scripts: Iterable[str], words: Mapping[str, str], data: str = "$data"
) -> tuple[str, str]:
    """The page before its data, and after.

    Args:
        frame: the page's file, below this folder, with `data` once; so are `styles` and `scripts`, which
            are read one after the other.  A page without scripts may run none.
        words: what stands in the frame under each name, as HTML.
    """
    style, script = "\n".join(map(_read, styles)), "\n".join(map(_read, scripts))
    filled = {**words, "policy": policy(style, script), "style": style, "script": script}
    before, after = (Template(half).substitute(filled) for half in _read(frame).split(data))
    return before, after


def policy(style: str, script: str) -> str:
    """Nothing from anywhere, but for this style, this script if there is one, pictures inside the page."""
    rules = (
        "default-src 'none'",
        "img-src data:",
        f"style-src '{_hash(style)}'",
        *([f"script-src '{_hash(script)}'"] if script else []),
        "base-uri 'none'",
        "form-action 'none'",
        "require-trusted-types-for 'script'",
        "trusted-types 'none'",
    )
    return "; ".join(rules)


def as_json(value: object) -> str:
    """Compact JSON that may stand inside HTML: ASCII without `<`, `>` or `&`."""
    text = json.dumps(value, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
    return text.translate(HARMFUL)


def json_list(name: str, items: Iterable[object], end: str = "\n]") -> Iterator[str]:
    """A list of the block in pieces of one item; `end` closes what stands before, the caller closes this."""
    yield f'{end},\n"{name}":['
    between = "\n"
    for item in items:
        yield between + as_json(item)
        between = ",\n"


def skip_data(skip: Skip) -> dict[str, str]:
    """An image that was not used, as every page lists it."""
    return {"path": shown(skip.path), "reason": shown(skip.reason)}


def folder_address(folder: str, page_folder: str) -> str:
    """The folder of the images, seen from the page: an address ending in a slash, bytes percent-encoded."""
    address = address_of(folder, page_folder)
    return "./" if address == f"./{os.curdir}" else f"{address}/"


def address_of(path: str, page_folder: str) -> str:
    """A file or folder, seen from the page, its bytes percent-encoded."""
    try:
        return f"./{_quoted(os.path.relpath(path, page_folder))}"
    except ValueError:  # on another drive
        return f"file:///{_quoted(path)}"


def file_address(folder: str, path: str) -> str:
    """An image, seen from its folder."""
    return _quoted(os.path.relpath(path, folder) if os.path.isabs(path) else path)


def _quoted(path: str) -> str:
    return quote_from_bytes(os.fsencode(path.replace(os.sep, "/")))


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _read(name: str) -> str:
    with open(os.path.join(FOLDER, *name.split("/")), encoding="utf-8") as file:
        return file.read()
