"""Clusters of a folder: how many, of what, and always the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from conftest import drawn_picture
from photo_folders import DRAWN, IMAGES, home, make_album

from augnet_cli import cluster, index
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.pipeline.cluster import DEFAULT_K, EXEMPLARS

CONTENTS = DRAWN + 5


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = make_album(tmp_path_factory.mktemp("cluster") / "album")
    with home(tmp_path_factory):
        index(folder)
    return folder


@pytest.mark.parametrize("k", [1, 4, CONTENTS])
def test_exactly_k_clusters_part_all_images(album: Path, k: int) -> None:
    clusters = cluster(album, k).clusters
    assert [found.id for found in clusters] == list(range(k))
    members = [path for found in clusters for path in found.members]
    assert len(members) == len(set(members)) == IMAGES
    for found in clusters:
        assert found.size == len(found.members) > 0
        assert 0 < len(found.exemplars) <= EXEMPLARS and set(found.exemplars) <= set(found.members)
    assert [found.size for found in clusters] == sorted((found.size for found in clusters), reverse=True)


def test_copies_are_in_one_cluster_and_the_two_photos_apart(album: Path) -> None:
    # As many clusters as contents but one, so that only what is nearest may share one.
    for found in cluster(album, CONTENTS).clusters:
        for copy in ("copies/flower.jpg", "copies/flower again.jpg"):
            assert ("flower.jpg" in found.members) == (copy in found.members)
        assert not {"china.png", "flower.jpg"} <= set(found.members)


def test_real_pictures_give_the_same_clusters_for_a_seed(
    shared_data: Callable[[str], Path], tmp_path: Path
) -> None:
    shutil.copytree(shared_data("pokemon.tar"), tmp_path / "real")
    first = cluster(tmp_path / "real", 12, seed=3)
    assert cluster(tmp_path / "real", 12, seed=3).clusters == first.clusters
    assert len(first.clusters) == 12 and sum(found.size for found in first.clusters) == 150


def test_without_k_there_are_ten_or_fewer_where_few_images_differ(album: Path, tmp_path: Path) -> None:
    assert len(cluster(album).clusters) == DEFAULT_K
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    shutil.copy(tmp_path / "0.png", tmp_path / "copy.png")
    assert len(cluster(tmp_path).clusters) == 3


def test_more_clusters_than_different_images_are_refused(album: Path) -> None:
    with pytest.raises(UsageError, match=str(CONTENTS)) as told:
        cluster(album, CONTENTS + 1)
    assert f"--k {CONTENTS}" in told.value.hint


def test_folder_of_broken_images_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    with pytest.raises(FolderError, match="none of the images"):
        cluster(tmp_path)
