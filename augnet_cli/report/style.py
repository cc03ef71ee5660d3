"""The terminal codes that text may use; the only source of escape codes in a report."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Style:
    """Codes that begin a look, and `reset`, which ends any."""

    bold: str
    dim: str
    green: str
    red: str
    reset: str


PLAIN = Style(bold="", dim="", green="", red="", reset="")
COLOUR = Style(bold="\x1b[1m", dim="\x1b[2m", green="\x1b[32m", red="\x1b[31m", reset="\x1b[0m")
