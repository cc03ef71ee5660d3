"""A verdict in words, with what the found transform adds to each: for the text report and contact sheets."""

from __future__ import annotations

import math

from augnet_cli.records import Redundant, Transform
from augnet_cli.results import Suspect

FINE_DEGREES = 10.0  # turns under this are told to a tenth of a degree
HALF_TURN = 180


def verdict_words(image: Redundant | Suspect) -> tuple[str, ...]:
    """Such as `cropped (120,40)-(980,700)`, `rotated 90° left`, `edited 12 %`."""
    if image.transform is None:
        return image.verdict
    return tuple(_word(word, image.transform) for word in image.verdict)


def _word(word: str, transform: Transform) -> str:
    if word == "cropped":
        left, top, right, bottom = (round(side) for side in transform.box)
        return f"cropped ({left},{top})-({right},{bottom})"
    if word == "resized":
        return _resized(transform)
    if word == "rotated":
        return f"rotated {_turn(transform.degrees)}"
    if word == "edited":
        return _edited(transform.changed_share)
    return word


def _resized(transform: Transform) -> str:
    a, b, _, d, e, _ = transform.matrix
    growth = abs(a * e - b * d)
    return "resized" if growth <= 0 else f"resized to {round(100 / math.sqrt(growth))} %"


def _turn(degrees: float) -> str:
    size = round(abs(degrees), 1 if abs(degrees) < FINE_DEGREES else None)
    if size == HALF_TURN:
        return f"{HALF_TURN}°"
    return f"{size:g}° {'left' if degrees > 0 else 'right'}"


def _edited(share: float) -> str:
    """Blur and noise are edits that change no part more than the others: they have no share."""
    percent = round(100 * share)
    return f"edited {percent} %" if percent else "edited"
