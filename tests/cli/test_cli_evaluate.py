"""`augnet evaluate` and `augnet train --data` as a user at a shell meets them."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest
from augnet_program import augnet
from dataset_files import cifar10
from encoder_files import CARD, write_encoder

from augnet_cli.cli.main import run
from augnet_cli.cli.typed import without_place


@pytest.fixture(scope="module")
def work(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cli-evaluate")
    cifar10(folder / "data", tests=8)
    write_encoder(folder / "hand.onnx", CARD.to_json())
    return folder


def test_the_table_the_records_and_the_picture_come_of_one_command(work: Path) -> None:
    words = ("evaluate", f"cifar10:{work / 'data'}", "--encoder", work / "hand.onnx", "--no-untrained")
    files = ("--out", work / "results.json", "--plot", work / "confusion.png")
    done = augnet(*words, *files).ok()
    assert done.out.startswith(b"cifar10, test: 8 images of 2 classes; clustering, seed 0\n")
    assert b"hand.onnx" in done.out and b"1 record" in done.err
    (record,) = json.loads((work / "results.json").read_text())
    assert record["protocol"] == "clustering" and record["encoder"] == CARD.id
    assert str(work) not in json.dumps(record) and "cifar10:data" in record["command"]
    assert (work / "confusion.png").read_bytes().startswith(b"\x89PNG")
    told = augnet(*words, "--protocol", "probe", "--neighbours", "3", "--format", "json").ok().json()
    assert told["settings"]["neighbours"] == 3 and set(told["rows"][0]["figures"]) == {"knn", "linear"}


def test_settings_of_a_method_are_told_with_their_meanings(
    monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["augnet", "train", "--method", "scan", "--set", "help"])
    with pytest.raises(SystemExit) as end:
        run()
    out, err = capfd.readouterr()
    assert end.value.code == 0 and not err
    assert "clusters=10" in out and "a label is believed above this probability" in out


REFUSED = {
    "no data set": (["evaluate", "mnist:x"], 2, "mnist", "stl10"),
    "no folder": (["evaluate", "nowhere"], 1, "nowhere", "NAME:PATH"),
    "not whole": (["evaluate", "stl10:."], 1, "train_X.bin is missing", "stanford"),
    "csv": (["evaluate", "cifar10:data", "--format", "csv"], 2, "csv", "--format"),
    "not json": (["evaluate", "cifar10:data", "--out", "a.txt"], 2, "a.txt", "--out FILE.json"),
    "no picture": (["evaluate", "cifar10:data", "--plot", "a.gif"], 2, "a.gif", "--plot FILE.png"),
    "nothing to learn from": (["train"], 2, "nothing says", "--data"),
    "both": (["train", ".", "--data", "cifar10:data"], 2, "FOLDER and --data", "augnet train FOLDER"),
    "no file": (["train", "--data", "cifar10:data"], 2, "needs a file", "--out"),
    "out of a folder": (["train", ".", "--out", "e.onnx"], 2, "--out is for --data", "leave out"),
    "replace with data": (
        ["train", "--data", "folder:.", "--out", "e.onnx", "--replace", "always"],
        2,
        "--replace is for FOLDER",
        "leave out",
    ),
    "split of a folder": (["train", ".", "--split", "train"], 2, "--split is for --data", "leave out"),
    "split to judge by": (
        ["train", "--data", "cifar10:data", "--out", "e.onnx", "--split", "test"],
        2,
        "test is for judging",
        "--split train",
    ),
    "how often": (["train", ".", "--eval-data", "cifar10:data"], 2, "how often", "--eval-every"),
    "by what": (["train", ".", "--eval-every", "2"], 2, "labelled images", "--eval-data"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_slips_are_told_in_two_lines(
    case: str, work: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    words, code, what_word, hint_word = REFUSED[case]
    monkeypatch.chdir(work)
    monkeypatch.setattr(sys, "argv", ["augnet", *words, "--quiet"])
    with pytest.raises(SystemExit) as end:
        run()
    out, err = capfd.readouterr()
    assert (end.value.code, out) == (code, ""), err
    what, hint = err.splitlines()
    assert what_word in what and hint_word in hint


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        ("/home/me/e.onnx", "e.onnx"),
        ("--out=/home/me/e.onnx", "--out=e.onnx"),
        ("stl10:/data/stl10_binary/", "stl10:stl10_binary"),
        ("--data=stl10:/data/x", "--data=stl10:x"),
        ("stl10:data", "stl10:data"),
        ("temperature=0.1", "temperature=0.1"),
    ],
)
def test_what_travels_names_no_place_of_this_machine(typed: str, told: str) -> None:
    assert without_place(typed) == told
