"""Reports of `evaluate`: the table, the records that gather, the picture."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from augnet_cli.errors import FolderError, UsageError
from augnet_cli.report.evaluation_data import add_records, check_records, read_records, write_evaluation
from augnet_cli.report.evaluation_plot import check_evaluation_plot, draw_evaluation
from augnet_cli.report.evaluation_text import evaluation_lines
from augnet_cli.results import ENCODER, UNTRAINED, EvaluationResult, EvaluationRow

CLUSTERING = {"acc": 0.8123, "nmi_arithmetic": 0.7, "nmi_geometric": 0.71, "ari": 0.5, "clusters": 2.0}


def result(protocol: str = "clustering", **more: object) -> EvaluationResult:
    confusion = ((0.75, 0.25), (0.0, 1.0))
    rows = (
        EvaluationRow(ENCODER, "abc", "scan", CLUSTERING, confusion),
        EvaluationRow(UNTRAINED, "untrained", "untrained", {**CLUSTERING, "acc": 0.2}, confusion),
    )
    given = EvaluationResult(
        dataset="cifar10",
        typed_dataset="cifar10:data",
        split="test",
        protocol=protocol,
        encoder="abc",
        encoder_file="e\x1b.onnx",
        seed=0,
        images=1000,
        classes=("a$b$", "dog\n"),
        rows=rows,
        settings={"restarts": 20},
        command="augnet evaluate cifar10:data",
    )
    return replace(given, **more)


def of_copies() -> EvaluationResult:
    figures = {"micro_ap": 0.9, "recall_at_precision_0.99": 0.8, "found_crop_30": 0.1, "found_blur": 1.0}
    return result("copies", rows=(EvaluationRow(ENCODER, "abc", "copies", figures),))


def of_retrieval() -> EvaluationResult:
    figures = {"recall_at_1": 0.4, "recall_at_10": 0.6, "map": 0.2}
    return result("retrieval", rows=(EvaluationRow(ENCODER, "abc", "udml-ss", figures),))


def test_the_table_has_a_row_for_each_space_and_escapes_names() -> None:
    lines = list(evaluation_lines(result()))
    assert lines[0] == "cifar10, test: 1,000 images of 2 classes; clustering, seed 0"
    assert lines[1] == "restarts 20"
    assert lines[3].split() == ["ACC", "NMI", "arithm.", "NMI", "geom.", "ARI", "clusters"]
    assert lines[4].split() == [r"e\x1b.onnx", "0.812", "0.700", "0.710", "0.500", "2"]
    assert lines[5].startswith("the same, untrained") and "0.200" in lines[5]
    words = ("ACC", "0.812", "0.200")
    ends = {line.index(word) + len(word) for line, word in zip(lines[3:6], words, strict=True)}
    assert len(ends) == 1


def test_copies_are_told_by_kind_of_change_weakest_first() -> None:
    lines = list(evaluation_lines(of_copies()))
    assert lines[0].startswith("cifar10, test: 1,000 images; copies")
    assert [line.split()[:-1] for line in lines[-2:]] == [["crop", "30"], ["blur"]]
    (head,) = [line for line in evaluation_lines(of_retrieval()) if "R@1" in line]
    assert head.split() == ["R@1", "R@10", "mAP"]


def test_json_holds_all_of_the_result() -> None:
    stream = io.BytesIO()
    write_evaluation(result(), stream)
    told = json.loads(stream.getvalue())
    assert list(told) == [
        "version", "dataset", "split", "protocol", "encoder", "encoder_file", "seed", "images", "classes",
        "settings", "rows", "skipped", "notes",
    ]  # fmt: skip
    assert told["rows"][0]["figures"] == CLUSTERING
    assert told["rows"][0]["confusion"] == [[0.75, 0.25], [0.0, 1.0]]


def test_records_gather_and_an_answer_to_the_same_question_takes_the_place_of_the_old(tmp_path: Path) -> None:
    file = str(tmp_path / "results.json")
    assert add_records(result(), file) == 2
    assert add_records(result(seed=1), file) == 4
    first = Path(file).read_bytes()
    assert add_records(result(), file) == 4
    better = (replace(result().rows[0], figures={"acc": 0.9}),)
    assert add_records(result(rows=better), file) == 4
    records = read_records(file)
    assert [record["figures"]["acc"] for record in records if record["space"] == ENCODER] == [0.8123, 0.9]
    assert {record["method"] for record in records} == {"scan", "untrained"}
    assert all(record["command"] == "augnet evaluate cifar10:data" for record in records)
    # The same runs give the same bytes: no dates.
    Path(file).unlink()
    add_records(result(), file)
    add_records(result(seed=1), file)
    assert Path(file).read_bytes() == first


@pytest.mark.parametrize("held", [b"{}", b'[{"kind": "other"}]', b"no json", b"\xff", b""])
def test_another_file_is_never_written_over(tmp_path: Path, held: bytes) -> None:
    file = tmp_path / "mine.json"
    file.write_bytes(held)
    for act in (lambda: check_records(str(file)), lambda: add_records(result(), str(file))):
        with pytest.raises(FolderError):
            act()
    assert file.read_bytes() == held
    with pytest.raises(UsageError, match=r"\.json"):
        check_records(str(tmp_path / "results.csv"))


@pytest.mark.parametrize("make", [result, of_copies, of_retrieval])
def test_pictures_are_drawn_and_drawn_again(make: object, tmp_path: Path) -> None:
    file = str(tmp_path / "plot.png")
    for _ in range(2):
        check_evaluation_plot(file)
        draw_evaluation(make(), file)
    with Image.open(file) as image:
        image.load()
        assert min(image.size) > 300 and len(image.convert("L").getcolors(1 << 16)) > 20
    (tmp_path / "photo.png").write_bytes(b"somebody's")
    with pytest.raises(FolderError):
        draw_evaluation(make(), str(tmp_path / "photo.png"))
