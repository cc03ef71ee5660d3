"""What a prover found goes to texts and comes back."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.duplicates.memory import as_texts, from_texts
from augnet_cli.duplicates.prover import DIRECT, Memory, Way
from augnet_cli.geometry.differences import Differences
from augnet_cli.geometry.proof import OTHER, SAME, SCENE, Finding, kept
from augnet_cli.geometry.relation import Relation

ROWS = 5
CONTENTS = [f"{row:02d}" * 32 for row in range(ROWS)]
Table = dict[tuple[str, str, str], str]

SHARE = st.floats(0, 1)
BOTH = st.tuples(st.floats(0, 255), st.floats(0, 255))
# Far from singular: no proof gives any other.
MATRIX = st.tuples(
    st.floats(1, 3),
    st.floats(-0.4, 0.4),
    st.floats(-300, 300),
    st.floats(-0.4, 0.4),
    st.floats(1, 3),
    st.floats(-300, 300),
).map(lambda numbers: tuple(map(kept, numbers)))
TOGETHER = st.builds(Finding, st.sampled_from([SAME, SCENE]), MATRIX, st.tuples(SHARE, SHARE), SHARE, SHARE)
FINDINGS = TOGETHER | st.just(Finding(OTHER))
DIFFERENCES = st.builds(
    Differences, SHARE, st.floats(-1, 1), st.floats(0, 255), BOTH, st.tuples(SHARE, SHARE), BOTH, BOTH
)
FRAMED = st.sampled_from([None, False, True])
RELATIONS = st.builds(Relation, TOGETHER, DIFFERENCES, FRAMED, FRAMED, st.floats(0.1, 10), st.booleans())


@st.composite
def ways(draw: st.DrawFn) -> Way:
    one, other, stone = draw(st.permutations(range(ROWS)))[:3]
    return Way(min(one, other), max(one, other), stone if draw(st.booleans()) else DIRECT)


MEMORIES = st.builds(
    Memory,
    st.dictionaries(ways(), FINDINGS, max_size=4),
    st.dictionaries(ways(), st.none() | RELATIONS, max_size=4),
    st.dictionaries(ways().map(lambda way: (way.other, way.one)), st.booleans(), max_size=4),
)


@given(memory=MEMORIES)
def test_what_was_remembered_is_what_was_found(memory: Memory) -> None:
    texts = as_texts(memory, CONTENTS)
    assert from_texts(texts, CONTENTS) == memory
    assert as_texts(from_texts(texts, CONTENTS), CONTENTS) == texts


@given(memory=MEMORIES, order=st.permutations(range(ROWS)))
def test_rows_in_another_order_are_the_same_contents(memory: Memory, order: list[int]) -> None:
    """What was found of two contents is found in the other order as its reverse."""
    again = from_texts(as_texts(memory, CONTENTS), [CONTENTS[row] for row in order])
    place = {row: order.index(row) for row in range(ROWS)} | {DIRECT: DIRECT}
    assert len(again.findings) == len(memory.findings) and len(again.relations) == len(memory.relations)
    for way, finding in memory.findings.items():
        one, other, stone = place[way.one], place[way.other], place[way.stone]
        found = again.findings[Way(min(one, other), max(one, other), stone)]
        expected = finding if one < other else finding.reversed()
        assert found == expected
    for way, relation in memory.relations.items():
        one, other, stone = place[way.one], place[way.other], place[way.stone]
        related = again.relations[Way(min(one, other), max(one, other), stone)]
        assert related == (relation if relation is None or one < other else relation.reversed())
    assert again.enlarged == {
        (place[large], place[small]): answer for (large, small), answer in memory.enlarged.items()
    }


@given(memory=MEMORIES, gone=st.integers(0, ROWS - 1))
def test_what_is_of_contents_that_are_gone_is_passed_over(memory: Memory, gone: int) -> None:
    left = [content for row, content in enumerate(CONTENTS) if row != gone]
    again = from_texts(as_texts(memory, CONTENTS), left)
    of_it = sum(gone in (way.one, way.other, way.stone) for way in memory.findings)
    assert len(again.findings) == len(memory.findings) - of_it
    assert as_texts(again, left).items() <= as_texts(memory, CONTENTS).items()


def one_of_each() -> Memory:
    finding = Finding(SAME, (1.0, 0.0, 2.0, 0.0, 1.0, 3.0), (0.25, 0.5))
    unlike = Differences(0.1, 0.2, 3.0, (4.0, 5.0), (0.0, 6.0), (7.0, 8.0), (9.0, 1.0))
    way = Way(0, 1)
    return Memory({way: finding}, {way: Relation(finding, unlike, None, True, 1.5)}, {(1, 0): True})


@pytest.mark.parametrize("place", range(3))
@pytest.mark.parametrize(
    "broken",
    [
        "",
        "{",
        "7",
        "[]",
        "{}",
        '"same"',
        '["same"]',
        '["same",[1,2],[0,"x"]]',
        '{"finding":3}',
        "null]",
        "\x00",
    ],
)
def test_broken_texts_are_passed_over_and_the_others_count(place: int, broken: str) -> None:
    whole: Table = as_texts(one_of_each(), CONTENTS)
    key = sorted(whole)[place]
    found = from_texts({**whole, key: broken}, CONTENTS)
    there = as_texts(found, CONTENTS)
    for other in whole:
        if other != key:
            assert there[other] == whole[other]
    assert key not in there


NO_MATRIX = ([1, 0, 0, 0, 1], [1] * 7, [1, 0, 0, 0, 0, 0], [1, 0, float("nan"), 0, 1, 0], "100010x", None)


@pytest.mark.parametrize("matrix", NO_MATRIX)
@pytest.mark.parametrize("what", [SAME, SCENE])
def test_a_matrix_that_is_none_never_comes_out_of_a_text(what: str, matrix: object) -> None:
    key = (CONTENTS[0], CONTENTS[1], "finding")
    value = json.loads(as_texts(one_of_each(), CONTENTS)[key])
    text = json.dumps([what, matrix, *value[2:]])
    for contents in (CONTENTS, CONTENTS[::-1]):
        assert from_texts({key: text}, contents) == Memory()


def test_neither_does_a_relation_with_a_number_or_an_answer_that_is_none() -> None:
    key = (CONTENTS[0], CONTENTS[1], "relation")
    value = json.loads(as_texts(one_of_each(), CONTENTS)[key])
    wrong = (
        {"unlike": value["unlike"][:-1]},
        {"unlike": [*value["unlike"][:-1], float("inf")]},
        {"framed": [True]},
        {"framed": [True, "yes"]},
        {"identical": 1},
        {"scale": 0},
        {"finding": ["alike", *value["finding"][1:]]},
    )
    for change in wrong:
        assert from_texts({key: json.dumps({**value, **change})}, CONTENTS) == Memory(), change
    assert from_texts({key: json.dumps(value)}, CONTENTS).relations


def test_an_unknown_kind_is_passed_over() -> None:
    texts = {(CONTENTS[0], CONTENTS[1], "colour"): '["same",null,[0,0]]', (CONTENTS[0], CONTENTS[1], ""): "1"}
    assert from_texts(texts, CONTENTS) == Memory()
