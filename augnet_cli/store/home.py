"""The user's own folders: cache, data and state, where the photos' folder can't or shouldn't hold something.

What lies beside the photos is `place`'s.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Home:
    """Absolute paths of the user's folders for augnet; none of them need exist yet.

    `cache` can be made again, `data` can't, `state` is what the program remembers between runs.
    """

    cache: str
    data: str
    state: str


def user_home(environ: Mapping[str, str] = os.environ) -> Home:
    """The user's folders: below AUGNET_HOME if set, else where the operating system wants them."""
    if environ.get("AUGNET_HOME"):
        root = os.path.abspath(environ["AUGNET_HOME"])
        return Home(*(os.path.join(root, part) for part in ("cache", "data", "state")))
    if sys.platform == "win32":
        local = environ.get("LOCALAPPDATA") or os.path.expanduser(r"~\AppData\Local")
        return Home(*(os.path.join(local, "augnet", part) for part in ("cache", "data", "state")))
    if sys.platform == "darwin":
        support = os.path.expanduser("~/Library/Application Support/augnet")
        cache = _xdg(environ, "XDG_CACHE_HOME", "~/Library/Caches")
        return Home(cache, os.path.join(support, "data"), os.path.join(support, "state"))
    return Home(
        cache=_xdg(environ, "XDG_CACHE_HOME", "~/.cache"),
        data=_xdg(environ, "XDG_DATA_HOME", "~/.local/share"),
        state=_xdg(environ, "XDG_STATE_HOME", "~/.local/state"),
    )


def _xdg(environ: Mapping[str, str], variable: str, default: str) -> str:
    named = environ.get(variable, "")
    # The XDG specification: a relative path is invalid and must be ignored.
    base = named if os.path.isabs(named) else os.path.expanduser(default)
    return os.path.join(base, "augnet")
