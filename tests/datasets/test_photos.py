"""Sets of metric learning and ImageNet, from files in the layout of the real ones."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from dataset_files import class_folders, picture
from scipy.io import savemat

from augnet_cli.datasets.record import TEST, TRAIN
from augnet_cli.datasets.registry import read_dataset
from augnet_cli.errors import DatasetError


def named(split: object) -> list[tuple[str, str]]:
    """Path and class of each image."""
    return [
        (split.images.name(number), split.classes[label])
        for number, label in enumerate(split.labels.tolist())
    ]


def cub(folder: Path) -> Path:
    root = folder / "CUB_200_2011"
    paths = {
        1: "001.Albatross/a b.jpg",
        2: "100.Pelican/p.jpg",
        3: "101.Pelican_White/w.jpg",
        4: "200.Wren/r.jpg",
    }
    for number, path in paths.items():
        picture(root / "images" / path, number)
    (root / "images.txt").write_text("".join(f"{number} {path}\n" for number, path in paths.items()))
    (root / "image_class_labels.txt").write_text("1 1\n2 100\n3 101\n4 200\n")
    (root / "classes.txt").write_text(
        "1 001.Albatross\n100 100.Pelican\n101 101.Pelican_White\n200 200.Wren\n"
    )
    return root


def test_cub_is_split_by_class_after_the_hundredth(tmp_path: Path) -> None:
    cub(tmp_path)
    found = read_dataset(f"cub200:{tmp_path}")
    assert named(found.splits[TRAIN]) == [
        ("images/001.Albatross/a b.jpg", "001.Albatross"),
        ("images/100.Pelican/p.jpg", "100.Pelican"),
    ]
    assert [label for _, label in named(found.splits[TEST])] == ["101.Pelican_White", "200.Wren"]
    assert found.recall_at == (1, 2, 4, 8)
    assert isinstance(found.splits[TRAIN].images.read(0), bytes)


def test_a_list_of_labels_that_is_cut_short_is_told(tmp_path: Path) -> None:
    root = cub(tmp_path)
    (root / "image_class_labels.txt").write_text("1 1\n2 100\n3 101\n")
    with pytest.raises(DatasetError, match=r"image_class_labels\.txt.*3 lines, and images\.txt 4"):
        read_dataset(f"cub200:{root}")


def test_a_listed_image_that_is_missing_is_named(tmp_path: Path) -> None:
    root = cub(tmp_path)
    (root / "images" / "200.Wren" / "r.jpg").unlink()
    with pytest.raises(DatasetError, match=r"200\.Wren/r\.jpg is missing") as error:
        read_dataset(f"cub200:{root}")
    assert "caltech" in error.value.hint


def annotations(rows: list[tuple[object, ...]], names: list[str]) -> dict[str, np.ndarray]:
    made = np.zeros((1, len(rows)), [(name, object) for name in names])
    for place, row in enumerate(rows):
        made[0, place] = row
    return {"annotations": made}


def test_cars_are_read_from_one_folder_and_from_two_alike(tmp_path: Path) -> None:
    whole, parts = tmp_path / "whole", tmp_path / "parts"
    box = ["bbox_x1", "bbox_y1", "bbox_x2", "bbox_y2"]
    for number, name in enumerate(("000001", "000002", "000003"), start=1):
        picture(whole / "car_ims" / f"{name}.jpg", number)
    # Class 98 is in the official test and 99 in the official train: the split is by class alone.
    rows = [("car_ims/000001.jpg", 1, 1, 9, 9, 1, 0), ("car_ims/000002.jpg", 1, 1, 9, 9, 98, 1)]
    rows.append(("car_ims/000003.jpg", 1, 1, 9, 9, 99, 0))
    savemat(whole / "cars_annos.mat", annotations(rows, ["relative_im_path", *box, "class", "test"]))
    for folder in ("cars_train", "cars_test"):
        for number in range(2):
            picture(parts / folder / f"0000{number + 1}.jpg", number)
    (parts / "devkit").mkdir()
    names = [*box, "class", "fname"]
    train = [(1, 1, 9, 9, 1, "00001.jpg"), (1, 1, 9, 9, 99, "00002.jpg")]
    test = [(1, 1, 9, 9, 98, "00001.jpg"), (1, 1, 9, 9, 196, "00002.jpg")]
    savemat(parts / "devkit" / "cars_train_annos.mat", annotations(train, names))
    savemat(parts / "devkit" / "cars_test_annos_withlabels.mat", annotations(test, names))

    one, two = read_dataset(f"cars196:{whole}"), read_dataset(f"cars196:{parts}")

    assert named(one.splits[TRAIN]) == [("car_ims/000001.jpg", "1"), ("car_ims/000002.jpg", "98")]
    assert named(one.splits[TEST]) == [("car_ims/000003.jpg", "99")]
    assert named(two.splits[TRAIN]) == [("cars_train/00001.jpg", "1"), ("cars_test/00001.jpg", "98")]
    assert named(two.splits[TEST]) == [("cars_train/00002.jpg", "99"), ("cars_test/00002.jpg", "196")]
    for lacking, names in (("class", ["relative_im_path", "test"]), ("relative_im_path", ["class", "test"])):
        savemat(whole / "cars_annos.mat", annotations([(1, 0)], names))
        with pytest.raises(DatasetError, match=lacking):
            read_dataset(f"cars196:{whole}")
    savemat(whole / "cars_annos.mat", annotations([("a.jpg", "one")], ["relative_im_path", "class"]))
    with pytest.raises(DatasetError, match="lack relative_im_path or class"):
        read_dataset(f"cars196:{whole}")
    (whole / "cars_annos.mat").write_bytes(b"no matrix")
    with pytest.raises(DatasetError, match="annotations can't be read"):
        read_dataset(f"cars196:{whole}")


def test_products_come_from_their_own_lists_whose_first_line_alone_is_left_out(tmp_path: Path) -> None:
    root = tmp_path / "Stanford_Online_Products"
    head = "image_id class_id super_class_id path\n"
    for name, rows in (
        ("train", "1 1 1 bicycle/1_0.JPG\n2 1 1 bicycle/1_1.JPG\n"),
        ("test", "3 2 1 chair/2_0.JPG\n"),
    ):
        for line in rows.splitlines():
            picture(root / line.split()[3].replace("JPG", "png"))
            (root / line.split()[3].replace("JPG", "png")).rename(root / line.split()[3])
        (root / f"Ebay_{name}.txt").write_text(head + rows)
    found = read_dataset(f"sop:{root}")
    assert named(found.splits[TRAIN]) == [("bicycle/1_0.JPG", "1"), ("bicycle/1_1.JPG", "1")]
    assert named(found.splits[TEST]) == [("chair/2_0.JPG", "2")]
    assert found.recall_at == (1, 10, 100, 1000)


def test_imagenet_takes_the_classes_of_a_list(tmp_path: Path) -> None:
    for folder in ("ILSVRC2012_img_train", "ILSVRC2012_img_val"):
        class_folders(tmp_path / folder, ["n01", "n02", "n03"], 2, 8)
    (tmp_path / "two.txt").write_text("n03 great white shark\nn01 tench\n")
    whole = read_dataset(f"imagenet:{tmp_path}")
    assert whole.splits[TEST].classes == ("n01", "n02", "n03") and len(whole.splits[TRAIN]) == 6
    part = read_dataset(f"imagenet:{tmp_path}#{tmp_path / 'two.txt'}")
    assert part.splits[TEST].classes == ("tench", "great white shark")
    assert part.splits[TEST].labels.tolist() == [0, 0, 1, 1]
    (tmp_path / "two.txt").write_text("n02 crane\nn03 crane\nn01 tench\n")
    same = read_dataset(f"imagenet:{tmp_path}#{tmp_path / 'two.txt'}").splits[TEST]
    assert same.classes == ("tench", "n02 crane", "n03 crane") and same.labels.tolist() == [0, 0, 1, 1, 2, 2]
    (tmp_path / "two.txt").write_text("n04 hammerhead\n")
    with pytest.raises(DatasetError, match="n04 is missing"):
        read_dataset(f"imagenet:{tmp_path}#{tmp_path / 'two.txt'}")
