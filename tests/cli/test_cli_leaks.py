"""`augnet leaks` as a gate for data sets."""

from __future__ import annotations

import csv
import io
import shutil
from pathlib import Path

import pytest
from augnet_program import augnet, tree
from PIL import Image


@pytest.fixture
def data(tmp_path: Path, sample_photos: dict[str, Image.Image]) -> Path:
    """One photograph in train and, smaller and of another class, in test; another one in train alone."""
    for part in ("train/a|b", "train/plain", "test/a|b", "test/plain"):
        (tmp_path / "data" / part).mkdir(parents=True)
    china, flower = sample_photos["china"], sample_photos["flower"]
    china.save(tmp_path / "data" / "train" / "a|b" / "*china*.jpg", quality=90)
    china.resize((320, 213)).save(tmp_path / "data" / "test" / "plain" / "<b>.png")
    flower.save(tmp_path / "data" / "train" / "plain" / "flower.jpg", quality=90)
    Image.linear_gradient("L").save(tmp_path / "data" / "test" / "a|b" / "grey.png")
    return tmp_path


SPLITS = ("data/train", "data/test")


def test_the_gate_closes_where_an_image_is_in_two_splits(data: Path) -> None:
    before = tree(data)
    assert augnet("leaks", *SPLITS, cwd=data).code == 0
    done = augnet("leaks", *SPLITS, "--fail-on-found", "--quiet", cwd=data)
    assert (done.code, done.err) == (11, b"")
    first = done.lines[0]
    assert "train/a|b/*china*.jpg  in test as  test/plain/<b>.png" in first
    assert "resized, labels differ: a|b, plain" in first
    assert tree(data) == before
    (data / "data" / "test" / "plain" / "<b>.png").unlink()
    shutil.copy(data / "data" / "test" / "a|b" / "grey.png", data / "data" / "test" / "plain" / "grey.png")
    done = augnet("leaks", *SPLITS, "--fail-on-found", cwd=data).ok()  # twice in test is no leak
    assert done.lines == ["2 images in train, 2 in test: none is in two splits"]


def test_data_for_other_programs(data: Path) -> None:
    result = augnet("leaks", *SPLITS, "--format", "json", cwd=data).ok().json()
    assert list(result) == [
        *("version", "folder", "encoder", "threshold", "threshold_from", "labelled", "splits"),
        *("leaks", "unverified", "skipped"),
    ]
    (leak,) = result["leaks"]
    assert (leak["path"], leak["split"]) == ("train/a|b/*china*.jpg", "train")
    assert (leak["other"], leak["other_split"]) == ("test/plain/<b>.png", "test")
    assert (leak["label"], leak["other_label"], leak["labels_differ"]) == ("a|b", "plain", True)
    assert leak["verified"] and leak["verdict"] == ["resized"]
    assert leak["transform"]["matrix"][0] == pytest.approx(0.5, abs=0.01)
    assert result["splits"][1] == {"name": "test", "folder": f"{data}/data/test", "images": 2, "leaked": 1}
    text = augnet("leaks", *SPLITS, "--format", "csv", cwd=data).ok().out.decode()
    (row,) = csv.DictReader(io.StringIO(text))
    assert row["path"] == leak["path"] and row["labels_differ"] == "true" and row["verdict"] == "resized"
    assert float(row["distance"]) == leak["distance"]


def test_markdown_for_a_review_shows_names_as_they_are(data: Path) -> None:
    lines = augnet("leaks", *SPLITS, "--format", "markdown", cwd=data).ok().lines
    assert lines[0].startswith("## 2 images in train, 2 in test: 1 of train in test; 1 pair with")
    assert lines[-1] == (
        r"| train/a\|b/\*china\*.jpg | a\|b | test/plain/&lt;b&gt;.png | plain "
        f"| {lines[-1].split(' | ')[4]} | resized, **labels differ** |"
    )
    table = lines[lines.index("") + 1 :]
    table = table[table.index("") + 1 :]
    assert [line.replace(r"\|", "").count("|") for line in table] == [7, 7, 7]


def test_what_may_stay_in_train_is_written(data: Path) -> None:
    done = augnet("leaks", *SPLITS, "--write-clean", "clean.txt", cwd=data).ok()
    assert "augnet: clean.txt: 1 image of train may stay" in done.notes
    assert (data / "clean.txt").read_text() == "data/train/plain/flower.jpg\n"
    # What the list names is what `dedupe --files-from` takes.
    listed = augnet("dedupe", "data/train", "--files-from", "clean.txt", "--format", "json", cwd=data).ok()
    assert listed.json()["groups"] == []


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("data/train", "data"), 2, "lie in each other"),
        (("data/train", "data/train"), 2, "train and test are the same folder, data/train"),
        (("data/train", "data/test", "data/../data/train"), 2, "train and val are the same folder"),
        (("data/train", "none"), 1, "there is no folder none"),
        ((*SPLITS, "--write-clean", "data/train/plain/flower.jpg"), 2, ".txt"),
        ((*SPLITS, "--encoder", "none.onnx"), 1, "none.onnx"),
        ((*SPLITS, "--search", "partitioned"), 2, "--no-verify"),
    ],
)
def test_what_makes_no_sense_is_said_in_two_lines(data: Path, words: tuple, code: int, said: str) -> None:
    before = tree(data)
    assert said in augnet("leaks", *words, cwd=data).refused(code)
    assert tree(data) == before
