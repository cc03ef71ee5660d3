"""Colours as words: a person reads `green 45 %`, not `#3f6b2d 45 %`."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable

# By eye, of swatches: in the HLS model of `colorsys`, hue in turns, lightness and saturation in [0, 1].
BLACK_BELOW, WHITE_ABOVE = 0.12, 0.92  # lightness
GREY_BELOW = 0.12  # chroma: what is duller has no hue that one would name
DARK_BELOW, LIGHT_ABOVE = 0.32, 0.72
BROWN_BELOW = 0.42  # lightness under which orange is called brown
# Where each hue ends; red goes on at the far end.
HUES = (
    (0.04, "red"),
    (0.11, "orange"),
    (0.18, "yellow"),
    (0.45, "green"),
    (0.53, "turquoise"),
    (0.70, "blue"),
    (0.80, "violet"),
    (0.95, "pink"),
    (1.01, "red"),
)


def colour_words(colours: Iterable[tuple[str, float]]) -> tuple[tuple[str, float], ...]:
    """Words and shares of `#rrggbb` and shares; of one word the shares are added, largest first."""
    shares: dict[str, float] = {}
    for colour, share in colours:
        word = colour_word(colour)
        shares[word] = shares.get(word, 0.0) + share
    return tuple(sorted(shares.items(), key=lambda item: (-item[1], item[0])))


def colour_word(colour: str) -> str:
    """What `#rrggbb` is called, such as `dark green`."""
    red, green, blue = (int(colour[at : at + 2], 16) / 255 for at in (1, 3, 5))
    hue, light, _ = colorsys.rgb_to_hls(red, green, blue)
    if light < BLACK_BELOW:
        return "black"
    if light > WHITE_ABOVE:
        return "white"
    if max(red, green, blue) - min(red, green, blue) < GREY_BELOW:
        return _shade(light, "grey")
    word = next(name for end, name in HUES if hue < end)
    if word == "orange" and light < BROWN_BELOW:
        return "brown"
    return _shade(light, word)


def _shade(light: float, word: str) -> str:
    if light < DARK_BELOW:
        return f"dark {word}"
    return f"light {word}" if light > LIGHT_ABOVE else word
