"""What was typed, as it may travel with a file: without the places where its maker keeps things."""

from __future__ import annotations

import os


def without_place(argument: str) -> str:
    """An argument as cards and records tell it: of a path from the root on, the last part alone.

    They travel; where their maker keeps photos is no one's concern.
    """
    option, equals, value = argument.partition("=")
    if equals and option.startswith("--"):
        return f"{option}={without_place(value)}"
    name, colon, path = argument.partition(":")
    if colon and os.path.isabs(path) and not os.path.isabs(name):
        return f"{name}:{without_place(path)}"
    return os.path.basename(argument.rstrip(os.sep)) if os.path.isabs(argument) else argument
