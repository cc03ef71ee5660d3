"""Joined sets against a slow search of the graph."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.duplicates.components import Components


def reached(rows: int, pairs: list[tuple[int, int]], start: int) -> set[int]:
    """Rows that one gets to by pairs, breadth first."""
    seen, waiting = {start}, [start]
    while waiting:
        row = waiting.pop(0)
        for one, other in pairs:
            for here, there in ((one, other), (other, one)):
                if here == row and there not in seen:
                    seen.add(there)
                    waiting.append(there)
    return seen


@given(data=st.data(), rows=st.integers(1, 20))
def test_sets_are_what_can_be_reached(data: st.DataObject, rows: int) -> None:
    row = st.integers(0, rows - 1)
    pairs = data.draw(st.lists(st.tuples(row, row), max_size=25))
    joined = Components(rows)
    for number, (one, other) in enumerate(pairs):
        news = joined.join(one, other)
        assert news == (other not in reached(rows, pairs[:number], one))
    expected = {tuple(sorted(reached(rows, pairs, row))) for row in range(rows)}
    found = joined.sets()
    assert found == sorted(list(each) for each in expected if len(each) > 1)
    for one in range(rows):
        for other in range(rows):
            together = any(one in each and other in each for each in expected)
            assert joined.joined(one, other) == together
            assert (joined.root(one) == joined.root(other)) == together


def test_a_long_chain_is_one_set() -> None:
    joined = Components(5000)
    for row in reversed(range(4999)):
        assert joined.join(row + 1, row)
    assert joined.sets() == [list(range(5000))]
    assert not joined.join(0, 4999)
