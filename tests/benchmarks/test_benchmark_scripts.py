"""What the scripts in `benchmarks/` compute themselves; the measures they use have tests of their own."""

from __future__ import annotations

import io
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(SCRIPTS))

import altered  # noqa: E402
import clusters  # noqa: E402
import evaluated  # noqa: E402
import finetune  # noqa: E402
import labelled  # noqa: E402
import pace  # noqa: E402
import scaling  # noqa: E402
import synthetic_store  # noqa: E402
import tables  # noqa: E402

from augnet_cli.encoder.embedder import Embedder  # noqa: E402
from augnet_cli.encoder.locate import shipped_encoder  # noqa: E402
from augnet_cli.evaluation.copies import CopyResult, true_pairs  # noqa: E402
from augnet_cli.images.changes import CHANGES  # noqa: E402
from augnet_cli.images.squares import square  # noqa: E402
from augnet_cli.pipeline.embed import embed  # noqa: E402
from augnet_cli.pipeline.refresh import FolderRequest  # noqa: E402
from augnet_cli.records import Resize  # noqa: E402


def random_images(count: int, seed: int = 0) -> list[np.ndarray]:
    """Smooth colour pictures of several shapes."""
    rng = np.random.default_rng(seed)
    coarse = [Image.fromarray(rng.integers(0, 256, (5, 6, 3), dtype=np.uint8)) for _ in range(count)]
    return [
        np.asarray(each.resize((60 + 7 * number, 50), Image.Resampling.BICUBIC))
        for number, each in enumerate(coarse)
    ]


def write_tar(file: Path, contents: dict[str, bytes]) -> None:
    with tarfile.open(file, "w") as tar:
        for name, data in contents.items():
            member = tarfile.TarInfo(name)
            member.size = len(data)
            tar.addfile(member, io.BytesIO(data))


def png(image: np.ndarray) -> bytes:
    out = io.BytesIO()
    Image.fromarray(image).save(out, "PNG")
    return out.getvalue()


def test_a_trial_holds_every_change_of_every_original_and_the_others_as_they_are() -> None:
    images = random_images(5)

    truth, pixels = altered.trial(images[:2], images[2:], seed=3, size=32)

    assert pixels.shape == (2 * (len(CHANGES) + 1) + 3, 32, 32, 3) and pixels.dtype == np.uint8
    _, _, true = true_pairs(truth)
    assert true.sum() == 2 * len(CHANGES)
    for group in (0, 1):
        rows = np.flatnonzero(truth.group == group)
        assert sorted(truth.transform[row] for row in rows) == sorted(["original", *CHANGES])
        assert np.array_equal(pixels[rows[truth.original[rows]][0]], square(images[group], 32))
    for row, image in zip(np.flatnonzero(truth.group < 0), images[2:], strict=True):
        assert np.array_equal(pixels[row], square(image, 32)) and not truth.original[row]


def test_a_trial_follows_from_its_seed() -> None:
    images = random_images(3)

    first, again, other = (altered.trial(images[:2], images[2:], seed, 32)[1] for seed in (1, 1, 2))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_embedding_on_all_cores_gives_the_rows_in_order() -> None:
    embedder = Embedder.load(shipped_encoder())
    pixels = np.stack([square(image, embedder.resize.size) for image in random_images(19)])

    rows = altered.embedded(embedder, pixels)

    np.testing.assert_allclose(
        rows, np.concatenate([embedder.embed(each[None]) for each in pixels]), atol=1e-5
    )


def test_colour_histograms_equal_a_slow_count() -> None:
    pixels = np.stack([square(image, 9) for image in random_images(3)])
    expected = np.zeros((3, 8, 8, 8))
    for number, image in enumerate(pixels):
        for red, green, blue in image.reshape(-1, 3):
            expected[number, red // 32, green // 32, blue // 32] += 1 / 81

    rows = clusters.histograms(pixels)

    np.testing.assert_allclose(rows, np.sqrt(expected).reshape(3, 512), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-6)


def test_an_untrained_network_follows_from_its_seed_and_tells_pictures_apart() -> None:
    architecture = {"backbone": "resnet18_slim", "size": 32, "dim": 16, "head": "linear_tanh"}
    pixels = np.stack([square(image, 32) for image in random_images(12)])

    first, again, other = (clusters.untrained(architecture, pixels, seed) for seed in (0, 0, 1))

    assert first.shape == (12, 16)
    np.testing.assert_allclose(np.linalg.norm(first, axis=1), 1, atol=1e-5)
    np.testing.assert_allclose(first, again, atol=1e-5)
    assert not np.allclose(first, other, atol=0.1)
    assert np.median(1 - (first @ first.T)[np.triu_indices(12, 1)]) > 0.2  # no narrow cone


def test_labels_come_from_the_list_and_small_or_nameless_classes_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(labelled, "LEAST_OF_A_CLASS", 2)
    image = png(random_images(1)[0])
    listed = {
        "pacs/0.jpg": "photo/dog",
        "pacs/1.jpg": "sketch/dog",
        "pacs/2.jpg": "photo/cat",
        "pacs/3.jpg": "art/cat",
        "pacs/4.jpg": "art/giraffe",
        "flickr/0.jpg": "",
        "flickr/1.jpg": "",
        "caltech/0.jpg": "BACKGROUND_Google",
        "caltech/1.jpg": "BACKGROUND_Google",
        "caltech/2.jpg": "chair",
        "caltech/3.jpg": "chair",
        "caltech/4.jpg": "lamp",
        "caltech/5.jpg": "lamp",
    }
    table = "file\tlabel\n" + "".join(f"{path}\t{label}\n" for path, label in listed.items())
    write_tar(tmp_path / "train-photos-1.tar", {"labels.tsv": table.encode(), "flickr/0.jpg": image})
    write_tar(tmp_path / "train-photos-2.tar", {path: image for path in listed if path != "flickr/0.jpg"})
    write_tar(tmp_path / "train-photos-3.tar", {})

    found = {each.name: each for each in labelled.photo_sets(tmp_path)}

    assert {name: sorted(each.labels) for name, each in found.items()} == {
        "caltech": ["chair", "chair", "lamp", "lamp"],
        "pacs": ["cat", "cat", "dog", "dog"],
    }
    assert found["pacs"].squares(Resize(16)).shape == (4, 16, 16, 3)


def test_cifar_classes_are_its_folders(tmp_path: Path) -> None:
    images = [png(image) for image in random_images(3)]
    write_tar(
        tmp_path / "c.tar", {"c/dog/b.png": images[0], "c/cat/x.png": images[1], "c/dog/a.png": images[2]}
    )

    found = labelled.cifar10(tmp_path / "c.tar")

    assert found.labels.tolist() == ["cat", "dog", "dog"]
    assert found.files == (images[1], images[2], images[0])


def test_work_is_done_in_turn_and_the_first_round_not_counted() -> None:
    done: list[str] = []

    def work(name: str, items: int) -> int:
        done.append(name)
        return items

    rates = pace.interleaved({"a": lambda: work("a", 5), "b": lambda: work("b", 7)}, rounds=3)

    assert done == ["a", "b"] * 4
    assert [len(each) for each in rates.values()] == [3, 3]
    assert all(rate > 0 for each in rates.values() for rate in each)
    assert pace.rate_cells([1200.4, 900.0, 5000.0]) == ("1,200", "900", "5,000")


def test_a_cell_tells_the_spread_over_seeds_where_there_is_one() -> None:
    assert tables.spread([0.1, 0.25]) == "0.175 (0.100–0.250)"
    assert tables.spread([0.5, 0.5001]) == "0.500"
    assert tables.spread([3.0], 1) == "3.0"


def test_pictures_set_aside_are_a_quarter_and_follow_from_the_seed() -> None:
    chosen = finetune.set_aside(150, 0)

    assert len(set(chosen)) == 38 and set(chosen) <= set(range(150))
    assert chosen == finetune.set_aside(150, 0) != finetune.set_aside(150, 1)


def tried(before: float, after: float, taken: bool) -> finetune.Tried:
    def scores(value: float) -> dict[str, object]:
        figures = {name: value for name, _, _ in finetune.FIGURES}
        return {**figures, "by_change": {"mirror": value, "crop_30": value / 2}}

    def result(value: float) -> CopyResult:
        return CopyResult(value, {0.9: value, 0.99: value / 2}, {}, value / 4, {})

    record = {"before": scores(before), "after": scores(after), "decision": {"taken": taken}}
    return finetune.Tried(record, result(before), result(after))


def test_tables_of_finetuning_tell_before_and_after_over_the_seeds() -> None:
    runs = {"one": [tried(0.4, 0.6, True), tried(0.4, 0.8, False)], "two": [tried(0.1, 0.2, True)] * 2}

    own = [
        [cell.strip() for cell in line.split("|")[1:-1]] for line in finetune.own_account(runs).splitlines()
    ]
    other = finetune.other_account(runs).splitlines()

    assert own[0] == ["", "one, before", "one, after", "two, before", "two, after"]
    assert own[3] == ["µAP", "0.400", "0.700 (0.600–0.800)", "0.100", "0.200"]
    assert own[-3] == ["runs in which the new encoder took the old one's place", "", "1 of 2", "", "2 of 2"]
    assert [row[0] for row in own[-2:]] == ["found: crop 30", "found: mirror"]  # the weakest first
    assert other[3] == "| one, after | 0.700 (0.600–0.800) | 0.350 (0.300–0.400) | 0.175 (0.150–0.200) |"


def test_a_synthetic_store_is_a_store_that_every_file_is_known_to(tmp_path: Path) -> None:
    folder = tmp_path / "store"
    synthetic_store.make_store(folder, 1200, Embedder.load(shipped_encoder()).dim)

    result = embed(FolderRequest(str(folder)))

    assert (result.images, result.embedded, result.skipped) == (1200, 0, ())
    rows = np.concatenate(list(synthetic_store.embeddings(1200, 16)))
    np.testing.assert_allclose(np.linalg.norm(rows, axis=1), 1, atol=1e-5)
    near = np.triu(rows @ rows.T > 1 - 0.02, 1).sum()
    assert 20 < near < 80, "some are copies: 3 %"


def test_a_whole_process_is_measured_as_such(tmp_path: Path) -> None:
    run = scaling.measured("help", 0, ["--help"], tmp_path)
    assert run.cpu_seconds > 0 and 0 < run.seconds < 600 and 5 < run.mb < 100
    with pytest.raises(SystemExit, match="exit status 1"):
        scaling.measured("embed", 0, ["embed", str(tmp_path / "nowhere")], tmp_path)


def test_records_of_several_seeds_are_one_row_of_means_and_bounds() -> None:
    def record(seed: int, accuracy: float, space: str = "encoder", method: str = "scan") -> dict[str, object]:
        names = {"dataset": "stl10", "split": "test", "method": method, "encoder_file": "e.onnx"}
        figures = {"acc": accuracy, "clusters": 10.0, "found_blur": 1.0}
        return {**names, "space": space, "seed": seed, "figures": figures}

    own = [record(0, 0.5), record(1, 0.7), record(0, 0.8, "assignments")]
    told = evaluated.table([*own, record(0, 0.1, "untrained", "untrained")])
    assert told.splitlines() == [
        "|  | method | encoder | seeds | ACC |",
        "|---|---|---|---|---|",
        "| stl10, test | scan | `e.onnx` | 2 | 0.600 (0.500–0.700) |",
        "| stl10, test | scan, its own clusters | `e.onnx` | 1 | 0.800 |",
        "| stl10, test | untrained | `e.onnx` | 1 | 0.100 |",
    ]
