"""The curve that the number of clusters was chosen by, as a picture."""

from __future__ import annotations

import importlib.util
import os
from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import pytest
from cluster_examples import FULL
from PIL import Image

from augnet_cli.errors import FolderError, MissingExtraError, UsageError
from augnet_cli.report.cluster_plot import check_count_plot, draw_count
from augnet_cli.results import ClusterCount

pytest.importorskip("matplotlib")

LONG = tuple(ClusterCount(k, 1 / k, 0.1 + 1 / k, 0.5 / k) for k in (2, 3, 5, 9, 17, 33, 60))


def test_the_curve_is_drawn_and_drawn_again(tmp_path: Path) -> None:
    for name in ("curve.png", "curve.svg", "curve.png"):
        draw_count(replace(FULL, curve=LONG), str(tmp_path / name))
    with Image.open(tmp_path / "curve.png") as picture:
        assert picture.size == (960, 768)
    assert sorted(os.listdir(tmp_path)) == ["curve.png", "curve.svg"]


def test_the_chosen_one_and_its_values_are_written_on_it(tmp_path: Path, monkeypatch) -> None:
    import matplotlib

    monkeypatch.setitem(matplotlib.rcParams, "svg.fonttype", "none")  # texts as texts
    draw_count(FULL, str(tmp_path / "curve.svg"))
    texts = {node.text for node in ElementTree.parse(tmp_path / "curve.svg").iter() if node.text}
    assert {"k 2: 0.910", "0.910", "0.220", "6 images: 2 clusters, chosen among 2 to 3"} <= texts


def test_one_point_and_a_choice_outside_of_the_curve_are_drawn(tmp_path: Path) -> None:
    for curve in (LONG[:1], LONG[3:], (replace(LONG[0], silhouette=float("nan")),)):
        draw_count(replace(FULL, curve=curve), str(tmp_path / "curve.png"))


def test_without_a_curve_there_is_nothing_to_draw(tmp_path: Path) -> None:
    with pytest.raises(UsageError):
        draw_count(replace(FULL, curve=()), str(tmp_path / "curve.png"))
    assert os.listdir(tmp_path) == []


def test_only_an_earlier_plot_is_replaced(tmp_path: Path) -> None:
    photo = tmp_path / "photo.png"
    Image.new("RGB", (3, 3)).save(photo)
    before = photo.read_bytes()
    with pytest.raises(FolderError):
        check_count_plot(str(photo))
    with pytest.raises(FolderError):
        draw_count(FULL, str(photo))
    with pytest.raises(UsageError):
        check_count_plot(str(tmp_path / "curve.pdf"))
    assert photo.read_bytes() == before


def test_without_matplotlib_it_is_said_how_to_get_it(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(MissingExtraError) as refused:
        check_count_plot(str(tmp_path / "curve.png"))
    assert "[plot]" in refused.value.hint
