"""Does the verdict on a pair say what was done to the picture?  A stated table, and pairs held against it.

For `verified.py`.
"""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from found import Found, originals_of
from tables import markdown

from augnet_cli.evaluation.copies import CopyTruth

# Said in place of words where the pair is in no group, or where the altered copy was kept.
NOT_FOUND, COPY_KEPT = "not found", "the copy was kept"
ONE_WAY = frozenset(("cropped", "bordered"))


@dataclass(frozen=True)
class Expected:
    """Words that must be in a verdict, and those that may be there as well; no others."""

    must: frozenset[str]
    may: frozenset[str] = frozenset()

    def holds(self, words: Sequence[str]) -> bool:
        return self.must <= set(words) <= self.must | self.may


@dataclass(frozen=True)
class Pair:
    """An original and one of its altered copies."""

    kind: str
    original: str
    copy: str


@dataclass(frozen=True)
class Judged:
    """A pair, and the words that augnet has for it."""

    pair: Pair
    words: tuple[str, ...]

    @property
    def right(self) -> bool:
        """The words, and that the original is kept."""
        return EXPECTED[self.pair.kind].holds(self.words)

    @property
    def has_right_words(self) -> bool:
        """The words alone: most hold whichever of both is kept, but what is a crop one way is none the
        other.
        """
        expected = EXPECTED[self.pair.kind]
        if COPY_KEPT in self.words and expected.must & ONE_WAY:
            return False
        return expected.holds(tuple(word for word in self.words if word != COPY_KEPT))


def _expected(must: str, may: str = "") -> Expected:
    return Expected(frozenset(must.split()), frozenset(may.split()))


# What the benchmark's code does to a picture, each way.  Every copy is then saved as JPEG of quality 92 or,
# one in ten, as PNG; `re-encoded` stands where nothing else was done, so it is expected in two rows alone.
EXPECTED = {
    # Saved at this quality; at 10 blocks of 8 x 8 show, but nothing of the picture was changed on purpose.
    "reencode_q75": _expected("re-encoded"),
    "jpeg_q10": _expected("re-encoded"),
    # The whole picture with half the sides, or with the longer side of 128: a quarter of a photo's.
    "half": _expected("resized"),
    "thumb128": _expected("resized"),
    # A part with so many hundredths of the area, of the picture's shape, anywhere.  Its pixels are as they
    # were: `resized` would be wrong.
    "crop90": _expected("cropped"),
    "crop70": _expected("cropped"),
    "crop50": _expected("cropped"),
    "crop30": _expected("cropped"),
    # Turned by 3 degrees; then 7 % cut from each side, more than the turn left empty in the corners.
    "rot3": _expected("rotated cropped"),
    "rot90": _expected("rotated"),
    "flip": _expected("mirrored"),
    "gray": _expected("recoloured"),
    # Half as bright again: what was brighter than 170 of 255 becomes plain white, and a sky loses its clouds,
    # which is a part that differs.
    "bright": _expected("recoloured", "edited"),
    "dark": _expected("recoloured"),  # 0.6 as bright: nothing is cut off
    "saturate": _expected("recoloured"),  # twice as far from grey; a colour may clip, its brightness stays
    # By a 120th of the short side; and Gaussian noise of 20 levels: the issue counts both as edits.
    "blur": _expected("edited"),
    "noise": _expected("edited"),
    # 12 % more on each side, in black, grey or white; the picture itself as it was.
    "border": _expected("bordered"),
    # A black bar with white letters over the lowest 18 %: the frame stays, what is below the bar is gone.
    "caption": _expected("edited"),
}


def choose_pairs(truth: CopyTruth, count: int, seed: int) -> tuple[Pair, ...]:
    """`count` pairs spread evenly over the kinds of change, no original twice; fewer of few originals."""
    rng = np.random.default_rng(seed)
    originals = originals_of(truth)
    copies = {
        (group, kind): path
        for group, kind, path in zip(truth.group.tolist(), truth.transform, truth.paths, strict=True)
        if group >= 0
    }
    kinds = rng.permutation(sorted({kind for _, kind in copies} - {"original"})).tolist()
    groups = rng.permutation(sorted(originals))[:count].tolist()
    chosen = [(group, kinds[number % len(kinds)]) for number, group in enumerate(groups)]
    return tuple(Pair(kind, originals[group], copies[group, kind]) for group, kind in chosen)


def lay_out(pairs: Sequence[Pair], bench: Path, folder: Path) -> None:
    """Both images of all pairs in one folder, as hard links and under their own names.

    As no original is there twice, the other pairs are photos of other things: each pair's verdict is the one
    it would get alone, and one run of augnet gives all.
    """
    for path in (path for pair in pairs for path in (pair.original, pair.copy)):
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        os.link(bench / path, folder / path)


def judge_pair(pair: Pair, found: Found) -> Judged:
    """The words for a pair.

    Where the original is held redundant its words hold the other way round, and the pair is wrong whatever
    they are: the original should be kept.  So is one that is listed apart, or whose copy has another witness.
    """
    for image in found.redundant:
        if (image.path, image.witness) == (pair.copy, pair.original):
            return Judged(pair, image.verdict)
        if (image.path, image.witness) == (pair.original, pair.copy):
            return Judged(pair, (COPY_KEPT, *image.verdict))
    for suspect in found.suspects:
        if {suspect.path, suspect.other} == {pair.copy, pair.original}:
            return Judged(pair, suspect.verdict)
    return Judged(pair, (NOT_FOUND,))


HEAD = (
    "kind of change",
    "must be said",
    "may be said",
    "right words",
    "... and the original kept",
    "the wrong ones say",
)


def verdict_table(judged: Sequence[Judged]) -> str:
    """By kind of change: the words expected, how many verdicts are right, how many originals are kept
    besides, and what the wrong ones say."""
    by_kind: dict[str, list[Judged]] = defaultdict(list)
    for each in judged:
        by_kind[each.pair.kind].append(each)
    rows: list[tuple[str, ...]] = [("all", "", "", *_right_of(judged), "")]
    for kind, expected in EXPECTED.items():
        if kind in by_kind:
            words = (" ".join(sorted(part)) for part in (expected.must, expected.may))
            wrong = [" ".join(each.words) for each in by_kind[kind] if not each.right]
            rows.append((kind, *words, *_right_of(by_kind[kind]), "; ".join(wrong)))
    return markdown(HEAD, rows)


def _right_of(judged: Sequence[Judged]) -> tuple[str, str]:
    words, wholly = sum(each.has_right_words for each in judged), sum(each.right for each in judged)
    return f"{words} of {len(judged)}", f"{wholly} of {len(judged)}"
