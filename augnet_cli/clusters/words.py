"""Names for clusters out of what is free: the words of file and folder names.

A word names a cluster if many of its files have it and few of the others: by the log-odds of both shares,
with a prior that keeps rare words from it (as Monroe, Colaresi and Quinn, "Fightin' Words", 2008).
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable, Sequence

# Words of a name: letters of any script, of three and more; numbers are of cameras.  A small letter before a
# capital ends one: `SummerTrip`.
WORD = re.compile(r"[^\W\d_]+")
CAMEL = re.compile(r"(?<=[a-zß-ÿ])(?=[A-ZÀ-Þ])")
SHORTEST = 3
# What cameras, phones and editors put into every name.
SAY_NOTHING = frozenset(
    [
        "img",
        "image",
        "images",
        "imag",
        "photo",
        "photos",
        "pic",
        "pics",
        "picture",
        "pictures",
        "foto",
        "fotos",
        "bild",
        "bilder",
        "dsc",
        "dscn",
        "dscf",
        "dcim",
        "pxl",
        "mvimg",
        "burst",
        "cover",
        "edit",
        "edited",
        "final",
        "copy",
        "copies",
        "kopie",
        "copie",
        "export",
        "scan",
        "frame",
        "untitled",
        "unnamed",
        "new",
        "jpg",
        "jpeg",
        "png",
        "webp",
        "gif",
        "tif",
        "tiff",
        "bmp",
        "heic",
        "heif",
        "avif",
        "raw",
        "the",
        "and",
        "von",
        "der",
        "die",
        "das",
        "und",
        "les",
        "des",
    ]
)
# A name is for what many of its files say, twice as often as the others.
LEAST_SHARE, LEAST_LIFT = 0.2, 2.0
PRIOR = 1.0  # files with and without a word that each side is given beforehand
WORDS_A_NAME = 2


def words_of(path: str) -> list[str]:
    """The words of a path, in lower case, each once, those of outer folders first."""
    parts = CAMEL.sub(" ", path.rpartition(".")[0] or path)
    words = (word.lower() for word in WORD.findall(parts))
    return list(dict.fromkeys(word for word in words if len(word) >= SHORTEST and word not in SAY_NOTHING))


def names(members: Sequence[Iterable[str]]) -> list[str]:
    """A name for each cluster from the paths of its members, or "" where no word tells it from the others.

    No two get the same name: the larger one keeps it, the other gets the words that come next.
    """
    told = [[words_of(path) for path in paths] for paths in members]
    counts = [Counter(word for words in files for word in words) for files in told]
    total: Counter[str] = sum(counts, Counter())
    files = sum(map(len, told))
    taken: set[str] = set()
    found = [""] * len(told)
    for number in sorted(range(len(told)), key=lambda one: (-len(told[one]), one)):
        best = _telling(counts[number], len(told[number]), total, files)
        for first in range(len(best)):
            name = " ".join(_in_their_order(best[first : first + WORDS_A_NAME], told[number]))
            if name not in taken:
                found[number] = name
                taken.add(name)
                break
    return found


def _telling(counts: Counter[str], size: int, total: Counter[str], files: int) -> list[str]:
    """Words that tell a cluster from the other files, the best first."""
    others = files - size
    scores = {}
    for word, here in counts.items():
        there = total[word] - here
        if here < LEAST_SHARE * size:
            continue
        if others and here / size < LEAST_LIFT * there / others:
            continue
        odds = math.log((here + PRIOR) / (size - here + PRIOR)) - math.log(
            (there + PRIOR) / (others - there + PRIOR)
        )
        scores[word] = odds
    return sorted(scores, key=lambda word: (-scores[word], word))


def _in_their_order(words: Sequence[str], files: Sequence[Sequence[str]]) -> list[str]:
    """As most files that have all of them say them."""
    orders: Counter[tuple[str, ...]] = Counter(
        tuple(sorted(words, key=list(file).index)) for file in files if all(word in file for word in words)
    )
    if not orders:
        return list(words[:1])
    best: tuple[str, ...] = min(orders, key=lambda order: (-orders[order], order))
    return list(best)
