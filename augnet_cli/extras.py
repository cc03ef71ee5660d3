"""How to install an optional part of augnet here: what the hint of a `MissingExtraError` says."""

from __future__ import annotations

import json
import os
import shlex
from urllib.parse import urlsplit
from urllib.request import url2pathname

PACKAGE = os.path.dirname(os.path.abspath(__file__))
PROJECT = "augnet"


def how_to_install(extra: str) -> str:
    """A command that adds the extra to this installation, from where augnet itself came.

    From its checkout where augnet runs in one or was installed from one, else by its name.
    """
    where = _checkout() or PROJECT
    return f"pip install {shlex.quote(f'{where}[{extra}]')}"


def _checkout() -> str | None:
    """The folder that `pip install FOLDER` was, or would be, given; None where there is none any more."""
    above = os.path.dirname(PACKAGE)
    for folder in (above, _installed_from()):
        if folder is not None and os.path.isfile(os.path.join(folder, "pyproject.toml")):
            return folder
    return None


def _installed_from() -> str | None:
    """The folder that pip noted (PEP 610)."""
    from importlib import metadata

    try:
        noted = metadata.distribution(PROJECT).read_text("direct_url.json")
        told = json.loads(noted or "{}")
    except (metadata.PackageNotFoundError, OSError, ValueError):
        return None
    url = urlsplit(str(told.get("url", "")))
    return url2pathname(url.path) if url.scheme == "file" else None
