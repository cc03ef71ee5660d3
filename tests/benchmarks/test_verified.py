"""What `benchmarks/verified.py` and its parts compute: scores, verdicts, folders, sheets."""

from __future__ import annotations

import io
import os
import random
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageOps

SCRIPTS = Path(__file__).resolve().parents[2] / "benchmarks"
sys.path.insert(0, str(SCRIPTS))

import copies  # noqa: E402
import cost  # noqa: E402
import found  # noqa: E402
import pair_sheet  # noqa: E402
import tables  # noqa: E402
import verdicts  # noqa: E402
import verified  # noqa: E402

from augnet_cli.evaluation.copies import CopyTruth  # noqa: E402
from augnet_cli.records import Pairs  # noqa: E402

WORDS = {
    *("identical-bytes", "identical-pixels", "re-encoded", "resized", "cropped", "bordered", "rotated"),
    *("mirrored", "recoloured", "edited"),
}
# Two photos with three copies each, and three others.
TRUTH = CopyTruth(
    paths=("a", "a-crop", "a-flip", "a-blur", "b", "b-crop", "b-flip", "b-blur", "x", "y", "z"),
    group=np.array([0, 0, 0, 0, 1, 1, 1, 1, -1, -1, -1]),
    original=np.array([True, False, False, False, True, False, False, False, False, False, False]),
    transform=(*("original", "crop", "flip", "blur") * 2, *["distractor"] * 3),
)


def redundant(path: str, witness: str, *words: str) -> dict[str, object]:
    told = {"path": path, "witness": witness, "distance": 0.25, "verified": True, "verdict": list(words)}
    return {**told, "transform": None}


def suspect(path: str, other: str, *words: str) -> dict[str, object]:
    return {"path": path, "other": other, "distance": 0.5, "verdict": list(words), "transform": None}


def answer(groups: dict[str, list[dict[str, object]]], *suspects: dict[str, object]) -> found.Found:
    """As augnet's JSON has it, by the kept image."""
    return found.read_found(
        {
            "groups": [
                {"kept": {"path": kept, "reason": "most pixels"}, "redundant": images}
                for kept, images in groups.items()
            ],
            "unverified": list(suspects),
        }
    )


def never(one: str, other: str) -> bool:
    return False


def test_scores_equal_those_counted_by_hand() -> None:
    said = answer(
        {
            # A copy is kept, and its original with another copy stand in its group: found, all three.
            "a-flip": [redundant("a", "a-flip", "mirrored"), redundant("a-blur", "a-flip", "edited")],
            # b's own is found; a's crop went to it, which is wrong.
            "b": [redundant("b-flip", "b", "mirrored"), redundant("a-crop", "b", "cropped")],
            # Two copies of one photo without it: both true, but neither is found.
            "b-crop": [redundant("b-blur", "b-crop", "edited")],
            "x": [redundant("y", "x", "near")],
        },
        suspect("b-crop", "b", "partial", "cropped"),
        suspect("b-blur", "b", "unverified"),
        suspect("y", "z", "unverified"),
        suspect("b", "z", "unverified"),
    )

    score = found.judge(said, TRUTH, never)

    assert score.recall == pytest.approx(3 / 6)
    assert score.recall_of == {"crop": 0.0, "flip": 1.0, "blur": 0.5}
    assert (score.redundant, [image.path for image in score.wrong]) == (6, ["a-crop", "y"])
    assert score.precision == pytest.approx(4 / 6)
    assert score.listed == {"unverified": (1, 2), "partial": (1, 0)}


def test_files_that_are_equal_are_no_mistake() -> None:
    said = answer({"x": [redundant("y", "x", "identical-pixels")]})

    assert found.judge(said, TRUTH, never).precision == 0
    assert found.judge(said, TRUTH, lambda one, other: {one, other} == {"x", "y"}).precision == 1
    assert found.judge(answer({}), TRUTH, never).precision == 1


def noise(seed: int, width: int = 60, height: int = 40) -> Image.Image:
    pixels = np.random.default_rng(seed).integers(0, 256, (height // 5, width // 5, 3), dtype=np.uint8)
    return Image.fromarray(pixels).resize((width, height), Image.Resampling.BICUBIC)


def test_equal_pixels_are_seen_through_the_file_format_and_the_exif_turn(tmp_path: Path) -> None:
    image = noise(0)
    image.save(tmp_path / "a.png")
    image.save(tmp_path / "b.tif")
    (tmp_path / "c.png").write_bytes((tmp_path / "a.png").read_bytes())
    turned = Image.Exif()
    turned[0x0112] = 6  # to be turned a quarter clockwise
    image.rotate(90, expand=True).save(tmp_path / "d.png", exif=turned)
    image.save(tmp_path / "e.jpg")

    equal = found.equal_files(tmp_path)

    assert {name for name in ("b.tif", "c.png", "d.png", "e.jpg") if equal("a.png", name)} == {
        "b.tif",
        "c.png",
        "d.png",
    }


def test_an_answer_of_augnet_itself_is_read(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    for number in range(3):
        noise(number).save(folder / f"{number}.png")
    (folder / "twin.png").write_bytes((folder / "1.png").read_bytes())

    said = found.dedupe(folder, ("--threshold", "0"), tmp_path / "answer.json")

    assert [(group.kept.path, len(group.redundant)) for group in said.groups] == [("1.png", 1)]
    assert [(image.path, image.witness, image.verdict) for image in said.redundant] == [
        ("twin.png", "1.png", ("identical-bytes",))
    ]
    assert said.suspects == ()


def test_candidates_are_counted_for_both_of_a_pair_and_missing_kinds_named() -> None:
    # a with its crop and flip, b with all three, the crop of b with x.
    pairs = Pairs(np.array([0, 0, 5, 4, 4, 5]), np.array([1, 2, 4, 6, 7, 8]), np.zeros(6, np.float32))

    rows = [line.split("|")[1:-1] for line in verified.candidate_table(TRUTH, pairs).splitlines()[2:]]

    assert {name.strip(): figure.strip() for name, figure in rows} == {
        "candidates of an image, on average": "1.1",  # 12 / 11
        "candidates of an image, at most": "3",
        "copies whose original is a candidate": "0.8333",
        "of blur": "0.500",
    }


def test_every_way_in_which_the_benchmark_alters_a_picture_has_expected_words(
    shared_data: Callable[[str], Path],
) -> None:
    shared_data("pokemon.tar")  # skips where ../shared is missing

    assert set(verdicts.EXPECTED) == set(copies.benchmark_changes())


def test_expected_words_are_words_of_verdicts() -> None:
    for expected in verdicts.EXPECTED.values():
        assert expected.must and expected.must | expected.may <= WORDS
        # It is said only where nothing else is.
        assert "re-encoded" not in expected.must or expected.must | expected.may == {"re-encoded"}


def test_a_verdict_says_all_it_must_and_no_more_than_it_may() -> None:
    bright, tilted = verdicts.EXPECTED["bright"], verdicts.EXPECTED["rot3"]

    assert bright.holds(["recoloured"]) and bright.holds(["edited", "recoloured"])
    assert not bright.holds(["edited"]) and not bright.holds(["recoloured", "resized"])
    assert tilted.holds(["rotated", "cropped"]) and not tilted.holds(["rotated"])


def crowd(photos: int, kinds: list[str]) -> CopyTruth:
    names = ["original", *kinds]
    return CopyTruth(
        paths=(*(f"{number}-{kind}" for number in range(photos) for kind in names), "other"),
        group=np.append(np.repeat(np.arange(photos), len(names)), -1),
        original=np.array([*([True] + [False] * len(kinds)) * photos, False]),
        transform=(*names * photos, "distractor"),
    )


def test_pairs_are_spread_over_the_kinds_and_no_original_is_there_twice() -> None:
    truth = crowd(30, ["crop", "flip", "blur"])

    pairs = verdicts.choose_pairs(truth, 25, seed=0)

    kinds = [pair.kind for pair in pairs]
    assert sorted(kinds.count(kind) for kind in ("crop", "flip", "blur")) == [8, 8, 9]
    assert len({pair.original for pair in pairs}) == 25
    for pair in pairs:
        assert pair.copy == pair.original.replace("original", pair.kind)
    assert pairs == verdicts.choose_pairs(truth, 25, seed=0) != verdicts.choose_pairs(truth, 25, seed=1)


def test_the_words_for_a_pair_are_those_of_its_own_and_a_kept_copy_is_wrong() -> None:
    pairs = {path: verdicts.Pair(kind, path[0], path) for path, kind in KINDS.items()}
    said = answer(
        {
            "a": [redundant("a-flip", "a", "mirrored")],
            "b-crop": [redundant("b", "b-crop", "cropped")],
            "c": [redundant("d-flip", "c", "mirrored")],
        },
        suspect("e-border", "e", "unverified"),
        suspect("f", "f-border", "partial", "bordered"),
    )

    judged = {path: verdicts.judge_pair(pair, said) for path, pair in pairs.items()}

    assert {path: each.words for path, each in judged.items()} == {
        "a-flip": ("mirrored",),
        "b-crop": (verdicts.COPY_KEPT, "cropped"),
        "d-flip": (verdicts.NOT_FOUND,),
        "e-border": ("unverified",),
        "f-border": ("partial", "bordered"),
    }
    assert [path for path, each in judged.items() if each.right] == ["a-flip"]
    table = verdicts.verdict_table(list(judged.values())).splitlines()
    assert table[2] == "| all |  |  | 1 of 5 | 1 of 5 |  |"
    assert table[3] == f"| crop50 | cropped |  | 0 of 1 | 0 of 1 | {verdicts.COPY_KEPT} cropped |"
    assert table[5] == "| border | bordered |  | 0 of 2 | 0 of 2 | unverified; partial bordered |"


KINDS = {"a-flip": "flip", "b-crop": "crop50", "d-flip": "flip", "e-border": "border", "f-border": "border"}


def test_pairs_lie_in_one_folder_under_their_own_names(tmp_path: Path) -> None:
    bench, folder = tmp_path / "bench", tmp_path / "pairs"
    (bench / "photos").mkdir(parents=True)
    for name in ("1.jpg", "2.jpg", "3.jpg"):
        (bench / "photos" / name).write_text(name)

    verdicts.lay_out([verdicts.Pair("flip", "photos/1.jpg", "photos/3.jpg")], bench, folder)

    assert {path.name: path.read_text() for path in (folder / "photos").iterdir()} == {
        "1.jpg": "1.jpg",
        "3.jpg": "3.jpg",
    }


def test_a_mixed_folder_holds_the_photos_and_a_copy_of_some_by_each_change_in_turn(tmp_path: Path) -> None:
    photos = [cost.Photo(".png", png(noise(seed))) for seed in range(10)]
    changes = {
        "mirror": lambda image, rng: ImageOps.mirror(image),
        "half": lambda image, rng: image.resize((image.width // 2, image.height // 2)),
    }

    for name in ("one", "two"):
        cost.write_mixed(tmp_path / name, photos, 3, changes, random.Random(0))

    files = sorted((tmp_path / "one").iterdir())
    data = [file.read_bytes() for file in files]
    assert [file.read_bytes() for file in sorted((tmp_path / "two").iterdir())] == data
    assert {each.data for each in photos} <= set(data) and len(set(data)) == 13
    widths = sorted(Image.open(file).width for file in files if file.suffix == ".jpg")
    assert widths == [30, 60, 60]


def png(image: Image.Image) -> bytes:
    out = io.BytesIO()
    image.save(out, "PNG")
    return out.getvalue()


def test_a_first_run_finds_no_store_and_a_next_one_does(tmp_path: Path) -> None:
    noise(0).save(tmp_path / "0.png")
    (tmp_path / ".augnet").mkdir()
    (tmp_path / ".augnet" / "earlier").write_text("")

    assert cost.first_run(tmp_path, (), os.environ) > 0
    assert not (tmp_path / ".augnet" / "earlier").exists()
    assert cost.next_run(tmp_path, (), os.environ) > 0
    assert (tmp_path / ".augnet" / "cache" / "store.sqlite").exists()


def test_timed_work_is_done_in_turn_and_the_first_round_not_counted() -> None:
    done: list[str] = []

    def work(name: str, took: float) -> float:
        done.append(name)
        return took * (100 if len(done) <= 2 else 1)

    seconds = cost.in_turn({"a": lambda: work("a", 2.0), "b": lambda: work("b", 3.0)}, rounds=3)

    assert done == ["a", "b"] * 4
    assert seconds == {"a": [2.0] * 3, "b": [3.0] * 3}
    assert cost.time_rows({"a": [1.0, 4.0, 2.0], "b": [3.0]}) == [
        ("a", "2.0", "1.0", "4.0", "1.00"),
        ("b", "3.0", "3.0", "3.0", "1.50"),
    ]


def test_pairs_are_drawn_side_by_side_and_none_leaves_no_file(tmp_path: Path) -> None:
    red, blue = tmp_path / "red.png", tmp_path / "blue.png"
    Image.new("RGB", (30, 20), "red").save(red)
    Image.new("RGB", (20, 30), "blue").save(blue)
    sheet = tmp_path / "sheet.png"

    pair_sheet.draw_pairs([pair_sheet.Shown(red, blue, "0.1 resized")] * 4, sheet)

    side, gap = pair_sheet.SIDE, pair_sheet.GAP
    with Image.open(sheet) as drawn:
        width, height = 2 * side + 3 * gap, side + pair_sheet.LINE + 3 * gap
        assert drawn.size == (pair_sheet.ABREAST * width, 2 * height)
        for left, top in ((0, 0), (width, 0), (0, height)):
            middle = top + gap + side // 2
            assert drawn.getpixel((left + gap + side // 2, middle)) == (255, 0, 0)
            assert drawn.getpixel((left + 2 * gap + side + side // 2, middle)) == (0, 0, 255)
        assert drawn.getpixel((width + gap + side // 2, height + gap + side // 2)) == pair_sheet.PAPER
    pair_sheet.draw_pairs([], sheet)
    assert not sheet.exists()


def test_the_page_has_a_place_for_every_table() -> None:
    page = tables.PAGE.read_text(encoding="utf-8")

    assert set(verified.PLACES) == set(verified.PARTS)
    for name in (name for places in verified.PLACES.values() for name in places):
        assert page.count(f"<!-- {name} -->") == page.count(f"<!-- /{name} -->") == 1
