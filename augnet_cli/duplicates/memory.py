"""What a prover found, as texts by content that a store keeps from run to run."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from augnet_cli.duplicates.prover import DIRECT, Memory, Way
from augnet_cli.geometry.differences import Differences
from augnet_cli.geometry.proof import OTHER, SAME, SCENE, Finding
from augnet_cli.geometry.relation import Relation
from augnet_cli.geometry.sketch import COARSE_PIXELS, POINTS, SIDE
from augnet_cli.images.beyond import ALL

# Which way of finding it was: what another found is found anew.
HOW = f"sift {POINTS}@{COARSE_PIXELS}, {SIDE}, 4"
FINDING, RELATION, ENLARGED, BEYOND = "finding", "relation", "enlarged", "beyond"

Key = tuple[str, str, str]  # two contents, and what of them; by way of which third


def as_texts(memory: Memory, contents: Sequence[str]) -> dict[Key, str]:
    """Texts by contents (m,), one a row."""
    texts: dict[Key, str] = {}
    for way, finding in list(memory.findings.items()):
        texts[_key(FINDING, way, contents)] = _text(_of_finding(finding))
    for way, relation in list(memory.relations.items()):
        texts[_key(RELATION, way, contents)] = _text(None if relation is None else _of_relation(relation))
    for (large, small), answer in list(memory.enlarged.items()):
        texts[contents[large], contents[small], ENLARGED] = _text(answer)
    for row, held in list(memory.beyond.items()):
        texts[contents[row], contents[row], BEYOND] = _text(sorted(held))
    return texts


def from_texts(texts: Mapping[Key, str], contents: Sequence[str]) -> Memory:
    """What texts say of these contents; what is of others, or no text of `as_texts`, is passed over."""
    met = {name for first, second, what in texts for name in (first, second, what.partition(" ")[2])}
    rows = {content: row for row, content in enumerate(contents) if content in met}
    memory = Memory()
    for (first, second, what), text in texts.items():
        kind, _, third = what.partition(" ")
        if first not in rows or second not in rows or (third and third not in rows):
            continue
        one, other, stone = rows[first], rows[second], rows[third] if third else DIRECT
        try:
            value = json.loads(text)
            if kind == ENLARGED:
                memory.enlarged[one, other] = _one_of(value, (False, True))
                continue
            if kind == BEYOND:
                memory.beyond[one] = frozenset(_one_of(each, sorted(ALL)) for each in value)
                continue
            way = Way(min(one, other), max(one, other), stone)
            if kind == FINDING:
                finding = _finding(value)
                memory.findings[way] = finding if one < other else finding.reversed()
            elif kind == RELATION:
                relation = None if value is None else _relation(value)
                if relation is not None and one > other:
                    relation = relation.reversed()
                memory.relations[way] = relation
        except (ValueError, TypeError, KeyError):
            continue
    return memory


def _key(kind: str, way: Way, contents: Sequence[str]) -> Key:
    what = kind if way.stone == DIRECT else f"{kind} {contents[way.stone]}"
    return contents[way.one], contents[way.other], what


def _text(value: object) -> str:
    return json.dumps(value, separators=(",", ":"))


def _of_finding(finding: Finding) -> list[object]:
    matrix = None if finding.matrix is None else list(finding.matrix)
    return [finding.what, matrix, *finding.lacking, finding.share, finding.median]


def _finding(value: Any) -> Finding:
    what, matrix, *shares = value
    numbers = None if matrix is None else _numbers(matrix)
    laid = _one_of(what, (SAME, SCENE, OTHER)) in {SAME, SCENE}
    if laid != (numbers is not None) or (numbers is not None and not _can_be_undone(numbers)):
        raise ValueError("no transform")
    first, second, share, median = _numbers(shares)
    return Finding(what, numbers, (first, second), share, median)


def _numbers(values: Iterable[Any]) -> tuple[float, ...]:
    numbers = tuple(float(value) for value in values)
    if not all(map(math.isfinite, numbers)):
        raise ValueError("not a number")
    return numbers


def _can_be_undone(matrix: Sequence[float]) -> bool:
    a, b, _x, c, d, _y = matrix
    return a * d != b * c


def _one_of(value: Any, known: Sequence[Any]) -> Any:
    # 1 == True, but is none.
    if not any(value == one and type(value) is type(one) for one in known):
        raise ValueError("unknown")
    return value


def _of_relation(relation: Relation) -> dict[str, object]:
    return {
        "finding": _of_finding(relation.finding),
        "unlike": list(_flat(relation.unlike)),
        "framed": [relation.first_framed, relation.second_framed],
        "scale": relation.scale,
        "identical": relation.identical,
    }


def _relation(value: Any) -> Relation:
    first, second = (_one_of(framed, (None, False, True)) for framed in value["framed"])
    painted, paint, recoloured, *rest = _numbers(value["unlike"])
    colourful, noise, edges, texture = zip(rest[0::2], rest[1::2], strict=True)
    unlike = Differences(painted, paint, recoloured, colourful, noise, edges, texture)
    (scale,) = _numbers((value["scale"],))
    if scale <= 0:
        raise ValueError("no scale")
    identical = _one_of(value["identical"], (False, True))
    return Relation(_finding(value["finding"]), unlike, first, second, scale, identical)


def _flat(unlike: Differences) -> Iterator[float]:
    numbers = (unlike.painted, unlike.paint_in_first, unlike.recoloured)
    yield from (*numbers, *unlike.colourful, *unlike.noise, *unlike.edges, *unlike.texture)
