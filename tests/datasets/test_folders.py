"""Images of one's own: folders, tables and lists."""

from __future__ import annotations

from pathlib import Path

import pytest
from dataset_files import class_folders, picture

from augnet_cli.datasets.record import ALL, NO_CLASS, TEST, TRAIN, UNLABELLED
from augnet_cli.datasets.registry import READERS, read_dataset
from augnet_cli.errors import DatasetError, UsageError


def paths(split: object) -> set[str]:
    return {split.images.name(number) for number in range(len(split))}


def test_a_folder_a_class_gives_a_fifth_of_each_class_for_the_test(tmp_path: Path) -> None:
    root = class_folders(tmp_path / "photos", ["cats", "dogs", "one"], 10, 8)
    for file in list((root / "one").iterdir())[1:]:
        file.unlink()
    found = read_dataset(f"folder:{root}")
    train, test = found.splits[TRAIN], found.splits[TEST]
    assert paths(train).isdisjoint(paths(test)) and len(train) + len(test) == 21
    counts = [(test.labels == test.classes.index(name)).sum() for name in ("cats", "dogs")]
    assert counts == [2, 2] and "one" not in test.classes and "one" in train.classes
    # Which, depends on the paths alone: one more image moves at most one other.
    picture(root / "cats" / "more.png")
    again = paths(read_dataset(str(root)).splits[TEST])
    assert len(again & paths(test)) >= 3
    both = found.split(ALL)
    assert len(both) == 21 and {both.classes[label] for label in both.labels} == {"cats", "dogs", "one"}
    # Each image keeps its class when splits with other lists of classes are joined.
    assert all(both.images.name(n).startswith(both.classes[label]) for n, label in enumerate(both.labels))


def test_folders_of_splits_are_splits_and_their_names_no_classes(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", ["a", "b"], 3, 8)
    class_folders(tmp_path / "val", ["a", "b"], 1, 8)
    picture(tmp_path / "unlabeled" / "x.png")
    found = read_dataset(str(tmp_path))
    assert {name: len(split) for name, split in found.splits.items()} == {TRAIN: 6, TEST: 2, UNLABELLED: 1}
    assert found.splits[TEST].classes == ("a", "b") and found.splits[UNLABELLED].labels.tolist() == [NO_CLASS]


def test_splits_without_a_test_are_no_classes(tmp_path: Path) -> None:
    class_folders(tmp_path / "train", ["a", "b"], 3, 8)
    picture(tmp_path / "unlabelled" / "x.png")
    with pytest.raises(DatasetError, match="train and unlabelled, but no test") as error:
        read_dataset(str(tmp_path))
    assert "test/CLASS" in error.value.hint


@pytest.mark.parametrize(("there", "missing"), [("train", "test"), ("val", "train")])
def test_a_split_without_the_other_is_no_class(tmp_path: Path, there: str, missing: str) -> None:
    class_folders(tmp_path / there, ["a", "b"], 3, 8)
    class_folders(tmp_path / "dev", ["a", "b"], 3, 8)
    (tmp_path / there / "labels.csv").write_text("of no matter")
    with pytest.raises(DatasetError, match=f"has {there}, but no {missing}") as error:
        read_dataset(str(tmp_path))
    assert f"in {missing}/CLASS" in error.value.hint


@pytest.mark.parametrize("below", ["", "2019"])
def test_a_class_may_be_called_train(tmp_path: Path, below: str) -> None:
    class_folders(tmp_path, ["plane", "train"], 5, 8)
    if below:
        (tmp_path / "train").rename(tmp_path / "whole")
        (tmp_path / "train").mkdir()
        (tmp_path / "whole").rename(tmp_path / "train" / below)
    assert read_dataset(str(tmp_path)).splits[TEST].classes == ("plane", "train")


def test_a_folder_of_loose_images_has_no_classes(tmp_path: Path) -> None:
    picture(tmp_path / "a.png")
    with pytest.raises(DatasetError, match="no classes") as error:
        read_dataset(str(tmp_path))
    assert "labels.tsv" in error.value.hint


def test_a_table_of_labels_serves_for_a_folder_and_its_empty_labels_are_none(tmp_path: Path) -> None:
    names = [f"{number}, a b.png" for number in range(8)]
    for name in names:
        picture(tmp_path / name)
    lines = [f"{name}\t{'' if number == 7 else 'xy'[number % 2]}" for number, name in enumerate(names)]
    (tmp_path / "labels.tsv").write_text("file\tlabel\n" + "\r\n".join(lines) + "\n")
    found = read_dataset(str(tmp_path))
    assert found.name == "tsv" and len(found.splits[TEST]) == 2
    assert (found.splits[TRAIN].labels == NO_CLASS).sum() == 1
    told = ["train", "test"] * 4
    lines = [f"{split}\t{line}" for split, line in zip(told, lines, strict=True)]
    (tmp_path / "labels.tsv").write_text("split\tfile\tlabel\n" + "\n".join(lines) + "\n")
    assert paths(read_dataset(f"tsv:{tmp_path / 'labels.tsv'}").splits[TEST]) == set(names[1::2])


@pytest.mark.parametrize(
    ("table", "why"),
    [
        ("name\tlabel\n", "does not name the columns"),
        ("file\tlabel\na.png\tx\ty\n", "line 2 has 3 cells"),
        ("file\tlabel\ngone.png\tx\n", "gone.png is missing"),
        ("file\tlabel\na.png\t\n", "no image of it has a label"),
        ("file\tlabel\tsplit\na.png\tx\tdev\n", "dev is no split"),
        ("file\tlabel\tsplit\na.png\tx\ttrain\n", "the split test"),
    ],
)
def test_a_wrong_table_says_what_is_wrong(tmp_path: Path, table: str, why: str) -> None:
    picture(tmp_path / "a.png")
    (tmp_path / "labels.tsv").write_text(table)
    with pytest.raises(DatasetError, match=why):
        read_dataset(f"tsv:{tmp_path}")


def test_lists_of_paths_may_hold_spaces_and_count_their_classes_apart(tmp_path: Path) -> None:
    for name in ("a b.jpg", "c.jpg", "d.jpg"):
        picture(tmp_path / name)
    (tmp_path / "train.txt").write_text("a b.jpg 10\nc.jpg 2\n")
    (tmp_path / "test.txt").write_text(f"{tmp_path / 'd.jpg'} 2\n")
    found = read_dataset(f"list:{tmp_path}")
    train = found.splits[TRAIN]
    assert train.classes == ("2", "10") and train.labels.tolist() == [1, 0]
    assert isinstance(found.splits[TEST].images.read(0), bytes)
    (tmp_path / "test.txt").write_text("d.jpg\n")
    with pytest.raises(DatasetError, match="line 1 is no path and label"):
        read_dataset(f"list:{tmp_path}")


def test_what_is_typed_is_a_name_and_a_path_or_a_folder(tmp_path: Path) -> None:
    odd = class_folders(tmp_path / "mnist:photos", ["a", "b"], 2, 8)
    assert read_dataset(str(odd)).name == "folder"
    with pytest.raises(UsageError, match="no data set named mnist") as error:
        read_dataset("mnist:nowhere")
    assert "cifar100-20" in error.value.hint
    with pytest.raises(DatasetError, match="no folder nowhere"):
        read_dataset("nowhere")
    for name in READERS:
        with pytest.raises(DatasetError, match="nowhere"):
            read_dataset(f"{name}:nowhere")
        with pytest.raises(UsageError, match="names no path"):
            read_dataset(f"{name}:")
