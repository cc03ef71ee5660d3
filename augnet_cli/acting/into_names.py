"""Names in a folder of clusters: a folder a cluster, the images under their own names where those are free.

Names that differ in case or in how accents are written are one name on some disks, so they are here.
"""

from __future__ import annotations

import os
import unicodedata
from collections.abc import Iterable, Iterator, Sequence

from augnet_cli.images.names import JOINERS, UNSAFE_CATEGORIES
from augnet_cli.results import Cluster, ClusterResult

NOISE_FOLDER = "noise"
FEWEST_DIGITS = 2  # so that folders of up to a hundred clusters sort as they are numbered
FOLDER_BYTES = 100  # of a folder's name: some eight words, and long paths stay possible below it
MAX_NAME_BYTES = 255  # what Linux, macOS and most disks allow
FORBIDDEN = frozenset('<>:"/\\|?*')  # in a name, by one file system or another
INSTEAD = "_"


def places(result: ClusterResult, children: bool) -> Iterator[tuple[str, str]]:
    """Where each image goes, inside the folder, with its path."""
    for cluster in result.clusters:
        folder = folder_name(int(cluster.id), len(result.clusters), cluster.name)
        parts = _parts(cluster) if children else [("", cluster.members)]
        subfolders = [name for name, _ in parts if name]
        for name, members in parts:
            where = f"{folder}/{name}" if name else folder
            taken = () if name else subfolders
            for own, path in zip(file_names(members, taken), members, strict=True):
                yield f"{where}/{own}", path
    for own, path in zip(file_names(result.noise), result.noise, strict=True):
        yield f"{NOISE_FOLDER}/{own}", path


def _parts(cluster: Cluster) -> list[tuple[str, Sequence[str]]]:
    """The sub-folders of a cluster and what goes there; under "" what is in no sub-cluster."""
    among = {path for child in cluster.children for path in child.members}
    rest = [path for path in cluster.members if path not in among]
    named = (
        (folder_name(int(child.id), len(cluster.children), child.name), child.members)
        for child in cluster.children
    )
    return [("", rest), *named]


def folder_name(number: int, clusters: int, name: str) -> str:
    """`03 castles` for the cluster `number` of so many."""
    digits = max(FEWEST_DIGITS, len(str(max(clusters - 1, 0))))
    return f"{number:0{digits}d} {_safe(name)}".rstrip()


def file_names(paths: Iterable[str], taken: Iterable[str] = ()) -> list[str]:
    """A name for each image, all different: its own, or `a (2).jpg` where an earlier image has that.

    Args:
        paths: with `/` between their parts.
        taken: names that none of them may have.
    """
    bases = [path.rpartition("/")[2] for path in paths]
    used = {_key(name) for name in taken}
    names: list[str | None] = []
    for base in bases:
        key = _key(base)
        names.append(None if key in used else base)
        used.add(key)
    # What must have another name comes after all that have their own, of which it may not take one.
    tried: dict[str, int] = {}
    for place, base in enumerate(bases):
        if names[place] is None:
            names[place] = _free(base, used, tried)
    return [name for name in names if name is not None]


def _free(base: str, used: set[str], tried: dict[str, int]) -> str:
    stem, suffix = os.path.splitext(base)
    number = tried.get(_key(base), 1)
    while True:
        number += 1
        mark = f" ({number})"
        room = MAX_NAME_BYTES - len(os.fsencode(mark + suffix))
        name = _cut(stem, room) + mark + suffix if room > 0 else _cut(base, MAX_NAME_BYTES - len(mark)) + mark
        if _key(name) not in used:
            used.add(_key(name))
            tried[_key(base)] = number
            return name


def _key(name: str) -> str:
    """Equal for names that some disk takes for one."""
    return unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def _safe(name: str) -> str:
    """What of a cluster's name can be in the name of a folder on any disk; bytes that are no UTF-8 stay."""
    letters = "".join(letter if _may_stay(letter) else INSTEAD for letter in name)
    return _cut(" ".join(letters.split()), FOLDER_BYTES).rstrip(". ")


def _may_stay(letter: str) -> bool:
    if letter in FORBIDDEN:
        return False
    if letter in JOINERS or letter.isspace() or unicodedata.category(letter) not in UNSAFE_CATEGORIES:
        return True
    return "\udc80" <= letter <= "\udcff"  # a byte of a file's name, as `os.fsdecode` gives it


def _cut(text: str, most: int) -> str:
    """As many letters from the start as fit into so many bytes."""
    while len(os.fsencode(text)) > most:
        text = text[:-1]
    return text
