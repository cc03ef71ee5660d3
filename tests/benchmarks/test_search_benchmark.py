"""What the benchmark of searches counts: planted copies, and pairs that are none by float64."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

import numpy as np

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(BENCHMARKS))
import search  # noqa: E402
from search_methods import METHODS, planted  # noqa: E402


def test_planted_rows_are_unit_rows_with_copies_at_all_distances() -> None:
    rows = planted(3000, 32)
    assert rows.shape == (3000, 32) and rows.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)
    nearest = np.sort((1 - rows @ rows.T + 3 * np.eye(3000)).min(axis=1))
    copies = nearest[:110]
    assert copies[0] < 1e-3 and copies[-1] > 0.05
    np.testing.assert_array_equal(rows, planted(3000, 32))


def test_pairs_beyond_the_threshold_and_pairs_told_twice_do_not_count(tmp_path: Path) -> None:
    rows = np.array([[1, 0], [0.8, 0.6], [0, 1], [1, 0]], np.float32)
    np.save(tmp_path / "rows.npy", rows)
    told = np.array([[0, 1], [0, 2], [0, 3], [0, 3], [1, 2]])
    keys = search.true_pairs(tmp_path / "rows.npy", told, 0.2)
    assert [divmod(int(key), 4) for key in keys] == [(0, 1), (0, 3)]


def test_neighbours_become_pairs_once_each() -> None:
    within = sys.modules["search_methods"]._within
    distances = np.array([[0, 0.1, 0.9], [0, 0.1, 0.05]], np.float32)
    near = np.array([[10, 11, 12], [11, 10, -1]])
    assert within(distances, near, 0.2, 10).tolist() == [[10, 11], [10, 11]]


def test_the_table_of_augnet_alone(tmp_path: Path) -> None:
    arguments = argparse.Namespace(dim=16, threshold=0.05, rivals=None)
    table = search.compared(tmp_path, list(search.OURS), 2000, 1, arguments).splitlines()
    assert table[0].startswith("| 2,000 rows of 16,") and table[0].endswith("| recall |")
    rows = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table[2:]]
    assert [row[0] for row in rows] == list(search.OURS) == [name for name in METHODS if "augnet" in name]
    for row in rows:
        assert row[-1] == "1.0000" and int(row[-2]) > 10
