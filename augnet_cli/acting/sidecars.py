"""Files that belong to an image: they go where it goes, or it stays.

Metadata (`a.jpg.xmp`, `a.xmp`, `a.aae`, `a.thm`, Google's `a.jpg.json`) are worth nothing by themselves.
A partner (the RAW file of a JPEG, the `.mov` of a Live Photo) is a picture or a film of its own: it goes
along only to quarantine, or where the witness has a partner with the very same bytes.
Suffixes are told in upper and lower case alike.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Set
from dataclasses import dataclass

from augnet_cli.acting.checks import Checked, Doubt, absolute, read, same_bytes, why
from augnet_cli.acting.listings import Listings
from augnet_cli.acting.outcome import LINKING, Action
from augnet_cli.images.identify import RAW, kind_of_name
from augnet_cli.images.names import shown

# After the whole name: `a.jpg.xmp` (darktable, digiKam), `a.jpg.json` (Google Takeout; the longer from 2024).
AFTER_NAME = (".xmp", ".supplemental-metadata.json", ".json")
# In place of the image's own suffix: Adobe's, Apple's edits, thumbnails of cameras.
AFTER_STEM = frozenset((".xmp", ".aae", ".thm"))
LIVE_FILM = ".mov"


@dataclass(frozen=True, slots=True)
class Sidecar:
    """A name beside an image; `by_stem` ones may belong to several images, `partner`s hold pictures."""

    name: str
    by_stem: bool
    partner: bool


@dataclass(frozen=True, slots=True)
class Company:
    """What else the plan speaks of: images that go with this group, all that may go, and all that stay."""

    group: Set[str]
    redundant: Set[str]
    witnesses: Set[str]


def sidecars(image: str, names: Iterable[str]) -> tuple[Sidecar, ...]:
    """Which of `names`, all in one folder, belong to the image of the name `image`; in order of name."""
    start = os.path.splitext(image)[0]
    beside = frozenset(name for name in names if name.startswith(start))
    found = []
    for name in sorted(beside):
        if _names_whole(image, name, beside):
            found.append(Sidecar(name, by_stem=False, partner=False))
        elif name != image and os.path.splitext(name)[0] == start:
            if os.path.splitext(name)[1].lower() in AFTER_STEM:
                found.append(Sidecar(name, by_stem=True, partner=False))
            elif _is_partner(image, name):
                found.append(Sidecar(name, by_stem=True, partner=True))
                # The RAW file's own metadata go with it.
                found += [
                    Sidecar(other, by_stem=True, partner=False)
                    for other in sorted(beside)
                    if _names_whole(name, other, beside)
                ]
    return tuple(found)


def travellers(
    folder: str, image: Checked, witness: Checked, action: Action, company: Company, listings: Listings
) -> tuple[tuple[Checked, Checked], ...]:
    """The files that go with an image, read and checked, each with its own witness.

    That is the image's; or for a partner that leaves for good its twin beside that.

    Raises:
        Doubt: one of them holds the image back.
    """
    if action in LINKING:
        return ()
    above, _, name = image.path.rpartition("/")
    names = listings.beside(folder, image.path, _start(name))
    going = []
    for sidecar in sidecars(name, names):
        path = f"{above}/{sidecar.name}" if above else sidecar.name
        if path in company.redundant:
            continue  # it goes, or stays, by a line of its own
        if path in company.witnesses:
            raise Doubt(f"{shown(path)} belongs to {shown(image.path)} and is kept as a witness")
        if sidecar.by_stem:
            _check_alone(image.path, name, path, names, company)
        checked = read(folder, path)
        if sidecar.partner and action is not Action.quarantine:
            going.append((checked, _twin(folder, checked, witness, company, listings)))
            continue
        if action is Action.delete:
            raise Doubt(f"{shown(path)} belongs to {shown(image.path)}; --action quarantine takes both")
        going.append((checked, witness))
    return tuple(going)


def _start(image: str) -> str:
    """How the names of all that may belong to an image begin, and of others of its stem."""
    return os.path.splitext(image)[0] + "."


def _names_whole(image: str, name: str, beside: Set[str]) -> bool:
    """Whether `name` is the image's whole name and a suffix for metadata."""
    lower = name.lower()
    for suffix in AFTER_NAME:
        if lower.endswith(suffix):
            whole = name[: -len(suffix)]
            if whole == image:
                return True
            same_but_case = (
                os.path.splitext(whole)[0] == os.path.splitext(image)[0] and whole.lower() == image.lower()
            )
            return same_but_case and whole not in beside
    return False


def _is_partner(image: str, name: str) -> bool:
    if kind_of_name(image) == RAW:
        return False  # the others are its partners; it is not theirs
    return kind_of_name(name) == RAW or os.path.splitext(name)[1].lower() == LIVE_FILM


def _check_alone(image: str, name: str, path: str, names: Iterable[str], company: Company) -> None:
    """A sidecar that another image of the same stem shares can't leave that one."""
    above = path.rpartition("/")[0]
    stem = os.path.splitext(name)[0]
    for other in names:
        kind = kind_of_name(other)
        if other == name or kind is None or kind == RAW or os.path.splitext(other)[0] != stem:
            continue
        if (f"{above}/{other}" if above else other) not in company.group:
            raise Doubt(f"{shown(path)} belongs to {shown(other)} too, which stays, and to {shown(image)}")


def _twin(folder: str, partner: Checked, witness: Checked, company: Company, listings: Listings) -> Checked:
    """The same partner beside the witness: without it a partner may not leave for good."""
    above, _, name = witness.path.rpartition("/")
    suffix = os.path.splitext(partner.path)[1].lower()
    for twin in sidecars(name, listings.beside(folder, witness.path, _start(name))):
        path = f"{above}/{twin.name}" if above else twin.name
        if not twin.partner or os.path.splitext(path)[1].lower() != suffix or path in company.redundant:
            continue
        other = read(folder, path)
        if other.hash != partner.hash or other.seen.identity == partner.seen.identity:
            continue
        try:
            if same_bytes(absolute(folder, path), absolute(folder, partner.path)):
                return other
        except OSError as error:
            raise Doubt(f"{shown(path)} can't be compared: {why(error)}") from error
    raise Doubt(
        f"{shown(partner.path)} is not beside {shown(witness.path)} too; --action quarantine takes it"
    )
