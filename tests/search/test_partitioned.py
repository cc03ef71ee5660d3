"""The partitioned search: at least the recall it tells of, no wrong pair, exact where that is as quick."""

from __future__ import annotations

import numpy as np
import pytest
from test_exact import by_integers, random_rows, unit_rows

from augnet_cli.errors import SearchError, UsageError
from augnet_cli.progress import Progress
from augnet_cli.records import Pairs
from augnet_cli.search import near_pairs, recall, side_by_side, tiles
from augnet_cli.search.exact import pairs_within
from augnet_cli.search.partitioned import pairs_mostly

THRESHOLD = 0.1


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks, and the recall to be proved, that some thousand rows are enough for."""
    monkeypatch.setattr(tiles, "BLOCK_ROWS", 32)
    monkeypatch.setattr(recall, "RECALL", 0.98)


def folder_like(count: int, dim: int = 16, copies: float = 0.5) -> np.ndarray:
    """Clusters, and in them altered copies of other rows, near and far."""
    numbers = np.random.default_rng(0)
    centres = random_rows(count // 40, dim)
    rows = centres[numbers.integers(len(centres), size=count)]
    rows = rows + 0.2 * numbers.standard_normal(rows.shape)
    altered = round(copies * count)
    noise = numbers.uniform(0, 0.15, (altered, 1)) * numbers.standard_normal((altered, dim))
    rows[count - altered :] = rows[numbers.integers(count - altered, size=altered)] + noise
    return unit_rows(rows[numbers.permutation(count)])


def as_set(pairs: Pairs) -> set[tuple[int, int, float]]:
    return set(zip(pairs.left.tolist(), pairs.right.tolist(), pairs.distance.tolist(), strict=True))


@pytest.mark.parametrize("integers", [False, True])
def test_nearly_all_pairs_are_found_and_no_others(integers: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if integers:
        by_integers(monkeypatch)
    rows = folder_like(6000)
    true = as_set(pairs_within(rows, THRESHOLD))
    pairs, told = pairs_mostly(rows, THRESHOLD)
    found = as_set(pairs)
    assert told is not None, "there are enough rows for it"
    assert found <= true and len(found) >= 0.98 * len(true) > 2000
    keys = list(zip(pairs.left.tolist(), pairs.right.tolist(), strict=True))
    assert keys == sorted(set(keys)) and (pairs.left < pairs.right).all()
    assert pairs.left.dtype == pairs.right.dtype == np.int64 and pairs.distance.dtype == np.float32
    assert told.at_least == 0.98 and told.rows < len(rows) / 2
    assert 0.98 * told.pairs <= told.found <= told.pairs


def test_pairs_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    rows, found = folder_like(4000), []
    for cores in (1, 5):
        monkeypatch.setattr(side_by_side, "usable_cores", lambda cores=cores: cores)
        found.append(pairs_mostly(rows, THRESHOLD))
    assert found[0][1] == found[1][1] is not None
    for name in ("left", "right", "distance"):
        np.testing.assert_array_equal(getattr(found[0][0], name), getattr(found[1][0], name))


def test_recall_is_judged_by_the_pairs_that_matter() -> None:
    """Copies of even rows are told; all pairs of odd ones come, too, but do not count."""
    rows = folder_like(6000)
    _, of_all = pairs_mostly(rows, THRESHOLD)
    pairs, told = pairs_mostly(rows, THRESHOLD, lambda left, right: (left + right) % 2 == 0)
    assert of_all is not None and told is not None
    assert 0 < told.pairs / told.rows < 0.7 * of_all.pairs / of_all.rows
    assert ((pairs.left + pairs.right) % 2 == 1).any()


class Heard(Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []
        self.totals: dict[str, int] = {}
        self.done = 0

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        self.totals[stage] = self.totals.get(stage, 0) + (total or 0)

    def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
        self.done += done

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.mark.parametrize(
    ("rows", "why"),
    [
        (folder_like(1000), "few rows"),
        (random_rows(4000, 16), "no pairs to judge by"),
        (folder_like(4000, copies=0.02), "too few pairs to judge by"),
        (random_rows(4000, 16)[np.maximum(np.arange(4000) - 200, 0)], "many pairs, of few rows"),
        (np.empty((0, 4), np.float32), "none"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_exact_search_serves_where_it_takes_no_longer(rows: np.ndarray, why: str) -> None:
    progress = Heard()
    pairs, told = pairs_mostly(rows, 0.01, progress=progress)
    assert told is None
    assert as_set(pairs) == as_set(pairs_within(rows, 0.01))
    assert len(progress.notes) == 1 and progress.notes[0].startswith("exact search serves")


def test_progress_tells_of_every_row() -> None:
    progress = Heard()
    _, told = pairs_mostly(folder_like(6000), THRESHOLD, progress=progress)
    assert told is not None
    assert progress.totals == {"measuring": told.rows, "comparing": 6000}
    assert progress.done == told.rows + 6000 and not progress.notes


def test_bad_thresholds_and_too_many_pairs_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(UsageError, match="outside 0 to 2"):
        pairs_mostly(random_rows(10, 4), 2.5)
    monkeypatch.setattr(near_pairs, "MAX_PAIRS", 1000)
    with pytest.raises(SearchError, match="more than 1,000 pairs"):
        pairs_mostly(folder_like(4000), THRESHOLD)
