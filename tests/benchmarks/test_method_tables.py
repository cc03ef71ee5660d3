"""The results file of the training methods, and the tables that are made of it."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "benchmarks"))

import method_rows  # noqa: E402
import method_tables  # noqa: E402
import methods  # noqa: E402
import tables  # noqa: E402


def cell(row: str, seed: int, acc: float, **more: object) -> method_tables.Measured:
    figures = {"clustering acc": acc, "clustering nmi_arithmetic": 0.5, "clustering ari": 0.25}
    found = {"untrained": figures | {"clustering acc": 0.1}, "encoder": figures}
    made = method_tables.Measured("birds", row, seed, trained=True, minutes=2, figures=found)
    return replace(made, **more)  # type: ignore[arg-type]


def test_what_is_measured_again_takes_the_place_of_what_was_kept_and_leaves_the_rest(tmp_path: Path) -> None:
    file = tmp_path / "new" / "results.jsonl"
    method_tables.keep([cell("scan, clusters", 1, 0.3), cell("copies", 0, 0.1), cell("copies", 1, 0.2)], file)
    method_tables.keep([cell("copies", 1, 0.9), cell("copies", 2, 0.4, set_name="cifar10")], file)

    kept = method_tables.kept(file)

    found = [(each.set_name, each.row, each.seed, each.figures["encoder"]["clustering acc"]) for each in kept]
    assert found == [
        ("cifar10", "copies", 2, 0.4),
        ("birds", "copies", 0, 0.1),
        ("birds", "copies", 1, 0.9),
        ("birds", "scan, clusters", 1, 0.3),
    ]


def test_a_row_that_there_is_no_more_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "results.jsonl"
    method_tables.keep([cell("copies", 0, 0.1)], file)
    file.write_text(file.read_text().replace('"copies"', '"of long ago"'))

    assert method_tables.kept(file) == []


def test_a_table_has_means_and_spreads_and_clusters_of_its_own_only_where_there_are_some() -> None:
    own = {"assignments": {"clustering acc": 0.75}}
    with_clusters = cell("scan, clusters", 0, 0.6)
    cells = [
        cell("copies", 0, 0.2),
        cell("copies", 1, 0.4, trained=False),
        replace(with_clusters, figures=with_clusters.figures | own, minutes=4),
        cell("a new head alone", 0, 0.5, minutes=None),
    ]

    lines = [line.split(" | ") for line in method_tables.table(cells).splitlines()]

    by_name = {line[0].removeprefix("| "): line for line in lines}
    assert by_name["untrained"][3] == "0.100"
    assert by_name["copies"][1:4] == ["random weights", "2", "0.300 (0.200–0.400)"]
    assert by_name["copies"][-1] == "1 |"
    assert by_name["scan, clusters: its own"][1:5] == ["simclr", "4", "0.750", ""]
    assert by_name["a new head alone"][2] == "epochs 1"
    assert "copies: its own" not in by_name


@pytest.mark.parametrize("name", methods.TABLES)
def test_the_document_has_the_table_of_the_results(name: str) -> None:
    cells = [each for each in method_tables.kept() if each.set_name == name]

    assert {(each.row, each.seed) for each in cells} == {
        (row.name, seed) for row in method_rows.ROWS for seed in range(3)
    }
    assert method_tables.table(cells) in tables.PAGE.read_text(encoding="utf-8")


def test_every_row_starts_from_random_weights_the_shipped_encoder_or_a_row_above() -> None:
    seen = {None, method_rows.SHIPPED}
    for row in method_rows.ROWS:
        assert row.start in seen
        seen.add(row.name)
    assert len({row.slug for row in method_rows.ROWS}) == len(method_rows.ROWS)
