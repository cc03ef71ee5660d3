"""Images that are in two splits of a data set, on real photographs and altered copies of them."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from augnet_program import tree
from conftest import drawn_picture
from PIL import Image

from augnet_cli import leaks
from augnet_cli.errors import FolderError, UsageError
from augnet_cli.images.changes import altered


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Splits by class; of train the building is, cut, in test as a plant, and the plant everywhere."""
    from sklearn.datasets import load_sample_images

    root = tmp_path_factory.mktemp("leaks") / "data"
    for part in ("train/building", "train/plant", "test/building", "test/plant", "val/plant"):
        (root / part).mkdir(parents=True)
    china, flower = load_sample_images().images
    Image.fromarray(china).save(root / "train" / "building" / "china.png")
    Image.fromarray(china[60:400, 80:560]).save(root / "test" / "plant" / "cut.jpg")
    Image.fromarray(flower).save(root / "train" / "plant" / "flower.jpg", quality=92)
    shutil.copy(root / "train" / "plant" / "flower.jpg", root / "train" / "plant" / "flower (1).jpg")
    shutil.copy(root / "train" / "plant" / "flower.jpg", root / "val" / "plant" / "f.jpg")
    mirrored = altered(flower, "mirror", np.random.default_rng(0))
    Image.fromarray(mirrored).save(root / "test" / "plant" / "f.webp", quality=90)
    for seed in range(3):
        drawn_picture(seed).save(root / "train" / "building" / f"{seed}.png")
    drawn_picture(9).save(root / "test" / "building" / "9.png")
    return root


@pytest.fixture
def data(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    shutil.copytree(made, tmp_path / "data")
    monkeypatch.chdir(tmp_path)
    return tmp_path / "data"


def test_each_leaked_image_is_named_with_what_was_done_to_it(data: Path) -> None:
    before = tree(data)
    result = leaks("data/train", "data/test", "data/val")
    told = {(leak.path, leak.other): (leak.verdict, leak.labels_differ) for leak in result.leaks}
    assert told == {
        ("train/building/china.png", "test/plant/cut.jpg"): (("cropped",), True),
        ("train/plant/flower.jpg", "test/plant/f.webp"): (("mirrored",), False),
        ("train/plant/flower (1).jpg", "test/plant/f.webp"): (("mirrored",), False),
        ("train/plant/flower.jpg", "val/plant/f.jpg"): (("identical-bytes",), False),
        ("train/plant/flower (1).jpg", "val/plant/f.jpg"): (("identical-bytes",), False),
        ("val/plant/f.jpg", "test/plant/f.webp"): (("mirrored",), False),
    }
    assert all(leak.verified and leak.split != leak.other_split for leak in result.leaks)
    counts = [(split.name, split.images, split.leaked) for split in result.splits]
    assert counts == [("train", 6, 3), ("test", 3, 2), ("val", 1, 1)]
    assert result.folder == str(data) and result.labelled
    assert tree(data) == before


def test_no_store_is_left_in_a_split_where_it_would_be_taken_for_a_class(data: Path) -> None:
    before = sorted(os.listdir(data / "train"))
    first = leaks("data/train", "data/test")
    assert sorted(os.listdir(data / "train")) == before == ["building", "plant"]
    assert leaks("data/train", "data/test").leaks == first.leaks


def test_what_may_stay_in_train_is_listed(data: Path) -> None:
    leaks("data/train", "data/test", write_clean="clean.txt")
    stays = [f"data/train/building/{seed}.png" for seed in range(3)]
    assert Path("clean.txt").read_text().splitlines() == stays
    # A data set of only these has no leak.
    for path in (data / "train").rglob("*.*"):
        if path.relative_to(data.parent).as_posix() not in stays:
            path.unlink()
    assert leaks("data/train", "data/test").leaks == ()


def test_the_splits_may_come_in_any_order(data: Path) -> None:
    one = {frozenset((leak.path, leak.other)) for leak in leaks("data/train", "data/test").leaks}
    other = {frozenset((leak.path, leak.other)) for leak in leaks("data/test", "data/train").leaks}
    named = {path for pair in one for path in pair}
    assert named == {path for pair in other for path in pair} and len(named) == 5


def test_the_distance_alone_finds_the_near_ones(data: Path) -> None:
    result = leaks("data/train", "data/test", threshold=0.05, verify=False)
    assert {leak.path for leak in result.leaks} == {"train/plant/flower.jpg", "train/plant/flower (1).jpg"}
    assert not any(leak.verified for leak in result.leaks) and result.threshold == 0.05
    exact = leaks("data/train", "data/test", "data/val", threshold=0, verify=False).leaks
    assert {(leak.verdict, leak.verified) for leak in exact} == {(("identical-bytes",), True)}


def test_without_classes_there_are_no_labels(data: Path) -> None:
    shutil.move(data / "test" / "plant" / "f.webp", data / "test" / "f.webp")
    result = leaks("data/train", "data/test")
    assert not result.labelled and not any(leak.labels_differ or leak.label for leak in result.leaks)


def test_folders_of_other_names_are_no_classes(data: Path) -> None:
    for number, folder in enumerate(sorted((data / "test").iterdir())):
        folder.rename(folder.with_name(f"part{number}"))
    assert not leaks("data/train", "data/test").labelled


@pytest.mark.parametrize(
    ("words", "error"),
    [
        (("data/train", "data"), UsageError),
        (("data/train", "data/train"), UsageError),
        (("data/train", "data/none"), FolderError),
        (("data/train", "data/test", None, 3.0), UsageError),
    ],
)
def test_what_can_not_be_compared_is_refused(data: Path, words: tuple, error: type[Exception]) -> None:
    with pytest.raises(error):
        leaks(*words)


def test_the_list_is_no_photo(data: Path) -> None:
    for name in ("data/train/building/0.png", "none/clean.txt"):
        with pytest.raises((UsageError, FolderError)):
            leaks("data/train", "data/test", write_clean=name)
    assert (data / "train" / "building" / "0.png").stat().st_size > 100
