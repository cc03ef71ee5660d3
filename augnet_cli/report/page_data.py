"""What the page knows: a block of JSON inside it, written piece by piece, that no file name breaks out of.

Thumbnails come first, as they are made, because only they tell the sizes that the list of images holds.
Images are named by their place in that list.  `docs/architecture.md` has the shape.
"""

from __future__ import annotations

import base64
import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from augnet_cli.images.names import shown
from augnet_cli.records import Group, Redundant, Transform
from augnet_cli.report.data import DECIMALS
from augnet_cli.report.self_contained import (
    as_json,
    file_address,
    folder_address,
    json_list,
    skip_data,
)
from augnet_cli.report.thumbnails import Thumbnail, encoded, media_type
from augnet_cli.results import DedupeResult, Suspect

# Verdicts of images whose picture is that of their witness, pixel by pixel: one thumbnail serves both.
TWINS = frozenset(("identical-bytes", "identical-pixels"))
FIGURES = 7  # of a number in a matrix: a hundredth of a pixel in the largest photograph


@dataclass(frozen=True, slots=True)
class Small:
    """A thumbnail as the page holds it: base64, or '' and the reason."""

    picture: str
    width: int
    height: int
    size_bytes: int
    reason: str


@dataclass(frozen=True, slots=True)
class Cast:
    """The images of a result, in order of first appearance; `twins` look just like another of them."""

    paths: tuple[str, ...]
    twins: dict[str, str]

    @property
    def drawn(self) -> tuple[str, ...]:
        """Those that need a thumbnail of their own."""
        return tuple(path for path in self.paths if path not in self.twins)


def cast_of(result: DedupeResult) -> Cast:
    """Every image that the page shows, once."""
    paths: dict[str, None] = {}
    twins: dict[str, str] = {}
    for group in result.groups:
        paths[group.kept.path] = None
        for image in group.redundant:
            paths[image.path] = None
            if TWINS & set(image.verdict) and image.witness == group.kept.path != image.path:
                twins[image.path] = image.witness
    for suspect in result.suspects:
        paths |= {suspect.path: None, suspect.other: None}
    for stack in result.stacks:
        paths |= dict.fromkeys(stack.paths)
    # A kept image is drawn itself, whatever stands elsewhere of it.
    for group in result.groups:
        twins.pop(group.kept.path, None)
    return Cast(tuple(paths), twins)


def small(thumbnail: Thumbnail) -> Small:
    """Encode a thumbnail for the page."""
    picture = ""
    if thumbnail.pixels is not None:
        picture = base64.b64encode(encoded(thumbnail.pixels)).decode("ascii")
    return Small(picture, thumbnail.width, thumbnail.height, thumbnail.size_bytes, thumbnail.reason)


def json_pieces(result: DedupeResult, cast: Cast, smalls: Iterable[Small], page_folder: str) -> Iterator[str]:
    """The block of JSON, ASCII without `<`, `>` or `&`, in pieces of one item.

    Args:
        smalls: of `cast.drawn`, in that order; taken one by one.
        page_folder: absolute path of the folder that the page will stand in.
    """
    made: dict[str, tuple[int, Small]] = {}
    yield f'{{"media":{as_json(media_type())},"folder":{as_json(folder_address(result.folder, page_folder))}'
    yield ',\n"thumbnails":['
    between = "\n"
    for number, (path, drawn) in enumerate(zip(cast.drawn, smalls, strict=True)):
        made[path] = (number, Small("", drawn.width, drawn.height, drawn.size_bytes, drawn.reason))
        yield between + as_json(drawn.picture)
        between = ",\n"
    numbers = {path: number for number, path in enumerate(cast.paths)}
    yield from json_list("images", (_image(result.folder, path, cast, made) for path in cast.paths), "]")
    yield from json_list("groups", (_group(group, numbers) for group in result.groups))
    yield from json_list("suspects", (_suspect(suspect, numbers) for suspect in result.suspects))
    yield from json_list("stacks", ([numbers[path] for path in stack.paths] for stack in result.stacks))
    yield from json_list("skipped", map(skip_data, result.skipped))
    yield "\n]}"


def _image(folder: str, path: str, cast: Cast, made: dict[str, tuple[int, Small]]) -> dict[str, object]:
    """`shown` and `href` only where they are not the path itself."""
    number, drawn = made[cast.twins.get(path, path)]
    size = drawn.size_bytes
    if path in cast.twins:
        size = _size_of(os.path.join(folder, path))
    image: dict[str, object] = {"path": path}
    if shown(path) != path:
        image["shown"] = shown(path)
    address = file_address(folder, path)
    if address != path:
        image["href"] = address
    image |= {"thumbnail": number, "width": drawn.width, "height": drawn.height, "bytes": size}
    if drawn.reason:
        image["reason"] = shown(drawn.reason)
    return image


def _size_of(file: str) -> int:
    try:
        return os.lstat(file).st_size
    except OSError:  # it went since the search
        return 0


def _group(group: Group, numbers: dict[str, int]) -> dict[str, object]:
    return {
        "kept": numbers[group.kept.path],
        "why": shown(group.kept.reason),
        "copies": [_copy(image, numbers) for image in group.redundant],
    }


def _copy(image: Redundant, numbers: dict[str, int]) -> dict[str, object]:
    copy = _pair(image, numbers) | {"verified": bool(image.verified)}
    witness = numbers.get(image.witness)
    return copy if witness is None else copy | {"witness": witness}


def _suspect(suspect: Suspect, numbers: dict[str, int]) -> dict[str, object]:
    return _pair(suspect, numbers) | {"witness": numbers[suspect.other], "verified": False}


def _pair(image: Redundant | Suspect, numbers: dict[str, int]) -> dict[str, object]:
    pair: dict[str, object] = {
        "image": numbers[image.path],
        "distance": round(float(image.distance), DECIMALS),
        "verdict": list(image.verdict),
    }
    if image.transform is not None:
        pair["transform"] = _transform(image.transform)
    return pair


def _transform(transform: Transform) -> dict[str, object]:
    return {
        "matrix": [_figure(number) for number in transform.matrix],
        "degrees": _figure(transform.degrees),
        "mirrored": bool(transform.mirrored),
        "changed": _figure(transform.changed_share),
    }


def _figure(number: float) -> float:
    return float(f"{float(number):.{FIGURES}g}")
