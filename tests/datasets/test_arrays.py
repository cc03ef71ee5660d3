"""STL-10 and CIFAR, against the readers of torchvision and what the files were made from."""

from __future__ import annotations

import pickle
import shutil
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest
from dataset_files import CIFAR_CLASSES, cifar10, stored, tinted

from augnet_cli.datasets.arrays import STL10_CLASSES
from augnet_cli.datasets.pickles import unpickled
from augnet_cli.datasets.record import NO_CLASS, TEST, TRAIN, UNLABELLED
from augnet_cli.datasets.registry import read_dataset
from augnet_cli.errors import DatasetError, UsageError


@pytest.fixture(scope="module")
def stl10(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The binary files, as MATLAB wrote them: column by column."""
    root = tmp_path_factory.mktemp("stl10") / "stl10_binary"
    root.mkdir()
    for split, count, seed in (("train", 3, 0), ("test", 2, 10), ("unlabeled", 4, 20)):
        images = [tinted(seed + number, number, 96) for number in range(count)]
        (root / f"{split}_X.bin").write_bytes(
            b"".join(image.transpose(2, 1, 0).tobytes() for image in images)
        )
        if split != "unlabeled":
            (root / f"{split}_y.bin").write_bytes(bytes(number + 1 for number in range(count)))
    (root / "class_names.txt").write_text("\n".join(STL10_CLASSES) + "\n")
    (root / "fold_indices.txt").write_text("0 1\n")
    return root


def test_stl10_is_turned_from_columns_to_rows_and_its_labels_begin_at_0(stl10: Path) -> None:
    for path in (stl10, stl10.parent):
        found = read_dataset(f"stl10:{path}")
        assert {name: len(split) for name, split in found.splits.items()} == {
            TRAIN: 3,
            TEST: 2,
            UNLABELLED: 4,
        }
        train = found.splits[TRAIN]
        np.testing.assert_array_equal(train.images.read(2), tinted(2, 2, 96))
        assert train.labels.tolist() == [0, 1, 2] and train.classes == STL10_CLASSES
        assert (found.splits[UNLABELLED].labels == NO_CLASS).all()
    assert len(found.learnt_from()) == 7
    np.testing.assert_array_equal(found.learnt_from().read(6), tinted(23, 3, 96))
    assert found.learnt_from().name(3) == "unlabelled/000000"
    assert (len(found.learnt_from(TRAIN)), len(found.learnt_from(UNLABELLED))) == (3, 4)
    np.testing.assert_array_equal(found.learnt_from(UNLABELLED).read(3), tinted(23, 3, 96))
    for split, word in (
        (TEST, "is for judging"),
        ("all", "is for judging"),
        ("val", "no split to learn from"),
    ):
        with pytest.raises(UsageError, match=word) as caught:
            found.learnt_from(split)
        assert caught.value.hint == "--split train or unlabelled, or leave it out for all"


def test_stl10_and_cifar10_are_as_torchvision_reads_them(stl10: Path, tmp_path: Path) -> None:
    from torchvision.datasets import CIFAR10, STL10

    class Stl(STL10):
        def _check_integrity(self) -> bool:  # these are no files of Stanford's: the sums of bytes differ
            return True

    class Cifar(CIFAR10):
        meta: ClassVar = {**CIFAR10.meta, "md5": None}

        def _check_integrity(self) -> bool:
            return True

    cifar10(tmp_path)
    pairs = [
        (read_dataset(f"stl10:{stl10}"), lambda split: Stl(str(stl10.parent), split)),
        (read_dataset(f"cifar10:{tmp_path}"), lambda split: Cifar(str(tmp_path), split == "train")),
    ]
    for ours, theirs_of in pairs:
        for split in (TRAIN, TEST):
            theirs, own = theirs_of(split), ours.splits[split]
            assert len(theirs) == len(own)
            for number in range(len(own)):
                image, label = theirs[number]
                np.testing.assert_array_equal(own.images.read(number), np.asarray(image))
                assert label == own.labels[number]


def test_cifar100_has_fine_classes_and_twenty_coarse_ones(tmp_path: Path) -> None:
    root = tmp_path / "cifar-100-python"
    root.mkdir()
    images = [tinted(number, 0) for number in range(3)]
    for split in ("train", "test"):
        batch = {"data": stored(images), "fine_labels": [2, 0, 1], "coarse_labels": [1, 0, 1]}
        (root / split).write_bytes(pickle.dumps(batch))
    meta = {"fine_label_names": ["apple", "baby", "bear"], "coarse_label_names": ["fruit", "people"]}
    (root / "meta").write_bytes(pickle.dumps(meta))
    fine, coarse = (read_dataset(f"{name}:{root}").splits[TEST] for name in ("cifar100", "cifar100-20"))
    assert (fine.labels.tolist(), fine.classes) == ([2, 0, 1], ("apple", "baby", "bear"))
    assert (coarse.labels.tolist(), coarse.classes) == ([1, 0, 1], ("fruit", "people"))


@pytest.mark.parametrize("file", ["stl10_binary/train_y.bin", "cifar-10-batches-py/data_batch_3"])
def test_a_missing_file_is_named_with_the_place_to_get_it(stl10: Path, tmp_path: Path, file: str) -> None:
    cifar10(tmp_path)
    shutil.copytree(stl10, tmp_path / "stl10_binary")
    (tmp_path / file).unlink()
    name = "stl10" if file.startswith("stl10") else "cifar10"
    with pytest.raises(DatasetError) as error:
        read_dataset(f"{name}:{tmp_path}")
    assert file in error.value.what and "missing" in error.value.what
    assert "https://" in error.value.hint


def test_broken_files_are_told_apart_from_missing_ones(stl10: Path, tmp_path: Path) -> None:
    root = cifar10(tmp_path)
    shutil.copytree(stl10, tmp_path / "stl10_binary")
    with open(tmp_path / "stl10_binary" / "test_X.bin", "ab") as file:
        file.write(b"x")
    with pytest.raises(DatasetError, match="no whole images"):
        read_dataset(f"stl10:{tmp_path}")
    data = stored([tinted(0, 0)])
    for batch, why in (
        ({"data": data, "labels": [0, 1]}, "2 labels are not one for each of 1 images"),
        ({"data": data, "labels": [2]}, "not among the 2 classes"),
        ({"data": data, "labels": ["cat"]}, "labels are no whole numbers"),
        ({"data": data.astype(np.float32), "labels": [0]}, "no images of 32 x 32"),
        ([1, 2], "no table"),
    ):
        (root / "test_batch").write_bytes(pickle.dumps(batch))
        with pytest.raises(DatasetError, match=why):
            read_dataset(f"cifar10:{root}")
    shutil.copy(stl10 / "test_X.bin", tmp_path / "stl10_binary")
    labels = tmp_path / "stl10_binary" / "test_y.bin"
    labels.unlink()
    labels.mkdir()
    with pytest.raises(DatasetError, match=r"test_y\.bin of stl10 can't be read"):
        read_dataset(f"stl10:{tmp_path}")
    (root / "test_batch").write_bytes(b"\x80\x04 cut short")
    with pytest.raises(DatasetError, match="test_batch is no part of cifar10"):
        read_dataset(f"cifar10:{root}")


class Calls:
    """A pickle that would write a file when it is loaded."""

    def __init__(self, file: Path) -> None:
        self.file = file

    def __reduce__(self) -> tuple[object, ...]:
        return Path.touch, (self.file,)


def test_a_pickle_that_calls_a_function_is_refused_before_it_runs(tmp_path: Path) -> None:
    root = cifar10(tmp_path)
    mark = tmp_path / "mark"
    (root / "test_batch").write_bytes(pickle.dumps({"data": Calls(mark), "labels": []}))
    with pytest.raises(DatasetError, match="no plain data"):
        read_dataset(f"cifar10:{root}")
    assert not mark.exists()


@pytest.mark.parametrize("protocol", range(6))
def test_arrays_come_out_of_pickles_of_every_protocol(protocol: int, tmp_path: Path) -> None:
    held = {
        "data": np.arange(12, dtype=np.uint8).reshape(3, 4),
        "labels": [1, 2],
        "names": list(CIFAR_CLASSES),
    }
    file = tmp_path / "held"
    file.write_bytes(pickle.dumps(held, protocol))
    with open(file, "rb") as source:
        found = unpickled(source)
    assert isinstance(found, dict) and found["labels"] == [1, 2] and found["names"] == list(CIFAR_CLASSES)
    np.testing.assert_array_equal(found["data"], held["data"])
