"""Clusters of a folder: how many, of what, and always the same."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from photo_folders import DRAWN, IMAGES, home, make_album
from PIL import Image, ImageDraw

from augnet_cli import cluster, encode, index
from augnet_cli.clusters.exemplars import EXEMPLARS
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.pipeline.assign import assign
from augnet_cli.pipeline.cluster import ClusterRequest
from augnet_cli.pipeline.kept_clusters import MOST_KEPT
from augnet_cli.pipeline.parting import Wish
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.progress import Progress

CONTENTS = DRAWN + 5


class Heard(Progress):
    """Keeps what a person would be told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.begun: list[str] = []

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        self.begun.append(stage)

    def note(self, text: str) -> None:
        self.notes.append(text)


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


def test_without_k_a_folder_of_few_images_is_one_cluster_and_says_so(tmp_path: Path) -> None:
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    heard = Heard()
    found = cluster(tmp_path, progress=heard)
    assert [one.size for one in found.clusters] == [3] and found.chosen and found.curve == ()
    assert any("too few" in note for note in heard.notes)


def test_an_unchanged_folder_is_not_compared_with_itself_again(album: Path) -> None:
    first, second = Heard(), Heard()
    found = cluster(album, 3, progress=first, seed=11)
    assert cluster(album, 3, progress=second, seed=11) == found
    assert "comparing" in first.begun and "comparing" not in second.begun


def test_more_clusters_than_different_images_are_refused(album: Path) -> None:
    with pytest.raises(UsageError, match=str(CONTENTS)) as told:
        cluster(album, CONTENTS + 1)
    assert f"--k {CONTENTS}" in told.value.hint


def test_folder_of_broken_images_is_told(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    with pytest.raises(FolderError, match="none of the images"):
        cluster(tmp_path)


KINDS = ("discs", "boxes", "strokes", "clouds")


def kind_picture(kind: str, number: int) -> Image.Image:
    """A picture of one of four kinds: nearer to those of its kind than to any other, yet no copy."""
    random = np.random.default_rng((KINDS.index(kind), number))
    if kind == "clouds":
        return drawn_picture(9000 + number)

    def colour() -> tuple[int, ...]:
        return tuple(random.integers(0, 256, 3).tolist())

    picture = Image.new("RGB", (160, 120), "white" if kind == "discs" else colour())
    draw = ImageDraw.Draw(picture)
    for _ in range({"discs": 12, "boxes": 9, "strokes": 60}[kind]):
        x, y, w, h = (int(random.integers(0, most)) for most in (150, 110, 60, 50))
        if kind == "discs":
            draw.ellipse((x - 5, y - 5, x + 10 + w // 2, y + 10 + w // 2), fill=colour())
        elif kind == "boxes":
            draw.rectangle((x, y, x + 10 + w, y + 10 + h), fill=colour())
        else:
            draw.line((x, y, x + w - 30, y + h - 25), fill=colour(), width=2)
    return picture


def folder_of_kinds(folder: Path, each: int, start: int = 0) -> Path:
    """`each` pictures of each kind, in a folder by its name."""
    for kind in KINDS:
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for number in range(start, start + each):
            kind_picture(kind, number).save(folder / kind / f"{number}.png")
    return folder


@pytest.fixture(scope="module")
def kinds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = folder_of_kinds(tmp_path_factory.mktemp("kinds") / "kinds", each=20)
    with home(tmp_path_factory):
        index(folder)
    return folder


def kind_of(path: str) -> str:
    return path.partition("/")[0]


def test_kinds_are_found_counted_and_named_and_told_with_all_that_is_known(kinds: Path) -> None:
    found = cluster(kinds, spread=True, outliers=3)
    assert found.chosen and found.method == "kmeans"
    assert [one.k for one in found.curve][:3] == [2, 3, 4]
    assert len(found.clusters) == 4
    for one in found.clusters:
        assert len({kind_of(path) for path in one.members}) == 1
        assert one.name == kind_of(one.members[0])
        assert one.medoid == one.exemplars[0] and len(one.exemplars) == EXEMPLARS
        assert 0 < one.tightness < 1 and one.neighbour != one.id
        assert (one.looks.landscape, one.looks.portrait, one.looks.square) == (1.0, 0.0, 0.0)
    assert len(found.outliers) == 3
    assert [odd.distance for odd in found.outliers] == sorted(
        (odd.distance for odd in found.outliers), reverse=True
    )
    spread = found.spread
    assert list(spread.paths) == sorted(path for one in found.clusters for path in one.members)
    for number, path in enumerate(spread.paths):
        assert path in found.clusters[spread.clusters[number]].members
    assert spread.places.shape == (80, 2) and np.abs(spread.places).max() <= 1
    rows = encode([kinds / path for path in spread.paths])
    apart = 1 - rows @ rows.T
    np.fill_diagonal(apart, np.inf)
    np.testing.assert_allclose(spread.neighbour_distances, np.sort(apart, axis=1)[:, :10], atol=1e-4)
    near = np.take_along_axis(apart, spread.neighbours.astype(np.int64), axis=1)
    np.testing.assert_allclose(near, spread.neighbour_distances, atol=1e-4)


@pytest.mark.parametrize("method", ["agglomerative", "hdbscan"])
def test_other_methods_find_the_kinds_too(kinds: Path, method: str) -> None:
    found = cluster(kinds, method=method)
    assert sum(one.size for one in found.clusters) + len(found.noise) == 80
    assert len(found.clusters) >= 4
    assert all(len({kind_of(path) for path in one.members}) == 1 for one in found.clusters)
    assert found.noise == () or method == "hdbscan"


def test_hdbscan_takes_no_number_and_there_is_no_other_method(kinds: Path) -> None:
    with pytest.raises(UsageError, match="itself"):
        cluster(kinds, 3, method="hdbscan")
    with pytest.raises(UsageError, match="no method"):
        cluster(kinds, method="magic")


def test_many_copies_of_one_picture_make_no_cluster_unless_they_are_to_count(
    kinds: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copied"
    shutil.copytree(kinds, folder, ignore=shutil.ignore_patterns(".augnet"))
    picture = kind_picture("discs", 0)
    for quality in range(30, 70):
        picture.save(folder / f"copy {quality}.jpg", quality=quality)
    once = cluster(folder, 4)
    assert sum(one.size for one in once.clusters) == 120
    assert (
        sorted(len({kind_of(path) for path in one.members if "/" in path}) for one in once.clusters)
        == [1] * 4
    )
    with_copies = {one.id for one in once.clusters for path in one.members if path.startswith("copy")}
    assert with_copies == {one.id for one in once.clusters if "discs/0.png" in one.members}


def test_clusters_keep_their_numbers_when_images_come_and_go(kinds: Path, tmp_path: Path) -> None:
    folder = tmp_path / "kinds"
    shutil.copytree(kinds, folder, ignore=shutil.ignore_patterns(".augnet"))
    before = {kind_of(one.members[0]): one.id for one in cluster(folder).clusters}
    assert cluster(folder).clusters == cluster(folder).clusters

    folder_of_kinds(folder, each=3, start=500)
    for number in range(9):
        (folder / "boxes" / f"{number}.png").unlink()
    (folder / "strokes").rename(folder / "moved")
    after = cluster(folder)
    numbers = {kind_of(one.members[0]).replace("moved", "strokes"): one.id for one in after.clusters}
    assert numbers == before
    assert sum(one.size for one in after.clusters) == 80 + 12 - 9


def test_another_number_and_a_part_of_the_folder_do_not_forget_the_clusters_of_the_whole(
    kinds: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "kinds"
    shutil.copytree(kinds, folder, ignore=shutil.ignore_patterns(".augnet"))
    before = cluster(folder).clusters
    cluster(folder, 2)
    cluster(folder, exclude=["boxes/*"])
    assert cluster(folder).clusters == before
    cache = folder / ".augnet" / "cache"
    assert len(list(cache.glob("clusters-*.npz"))) == 3
    for k in range(2, 12):
        cluster(folder, k, method="agglomerative")
    assert len(list(cache.glob("clusters-*.npz"))) == MOST_KEPT
    next(iter(cache.glob("clusters-*.npz"))).write_bytes(b"no archive")
    assert len(cluster(folder, 11, method="agglomerative").clusters) == 11


def test_a_large_cluster_is_divided_where_it_falls_apart(tmp_path: Path) -> None:
    folder_of_kinds(tmp_path, each=20)
    (found,) = cluster(tmp_path, 1).clusters
    assert len(found.children) == 4
    assert sorted(path for child in found.children for path in child.members) == list(found.members)
    assert all(len({kind_of(path) for path in child.members}) == 1 for child in found.children)


@pytest.mark.parametrize("method", ["kmeans", "hdbscan"])
def test_images_of_another_folder_go_to_the_clusters_that_are_known(
    kinds: Path, tmp_path: Path, method: str
) -> None:
    new = folder_of_kinds(tmp_path / "new", each=3, start=700)
    shutil.rmtree(new / "boxes")
    asked = ClusterRequest(Wish(method))
    known = {kind_of(one.members[0]): one for one in cluster(kinds, method=method).clusters}
    found = assign(FolderRequest(str(kinds)), str(new), asked)
    assert found.folder == str(new)
    assert sum(one.size for one in found.clusters) + len(found.noise) == 9
    assert len(found.noise) == 0 or method == "hdbscan"
    for one in found.clusters:
        (kind,) = {kind_of(path) for path in one.members}
        assert (one.id, one.name) == (known[kind].id, known[kind].name)
    assert {one.id for one in found.clusters} <= {known[kind].id for kind in KINDS if kind != "boxes"}
