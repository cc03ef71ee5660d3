"""What a query may ask by: several images, folders, averages, parts of pictures; what it is pushed from."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from conftest import drawn_picture
from photo_folders import IMAGES, home, make_album
from PIL import Image

from augnet_cli import index, query
from augnet_cli.errors import ImageError, UsageError
from augnet_cli.pipeline.query import AWAY
from augnet_cli.progress import Progress
from augnet_cli.results import QueryResult


class Heard(Progress):
    """Keeps what a person would be told."""

    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, np.ndarray]]:
    """An album and the embedding of each of its images."""
    root = tmp_path_factory.mktemp("asked")
    folder = make_album(root / "album")
    with home(tmp_path_factory):
        index(folder, out=root / "all.npz")
    with np.load(root / "all.npz", allow_pickle=False) as file:
        rows = dict(zip(file["paths"].tolist(), file["embeddings"].astype(np.float64), strict=True))
    return folder, rows


@pytest.fixture
def album(made: tuple[Path, dict[str, np.ndarray]]) -> Path:
    return made[0]


@pytest.fixture
def rows(made: tuple[Path, dict[str, np.ndarray]]) -> dict[str, np.ndarray]:
    return made[1]


def assert_hits_are_by(
    direction: np.ndarray, rows: dict[str, np.ndarray], out: set[str], result: QueryResult
):
    """The hits are those of a slow look at all images but some, by their distance to a direction."""
    direction = direction / np.linalg.norm(direction)
    apart = {path: 1 - float(row @ direction) for path, row in rows.items() if path not in out}
    nearest = sorted(apart.values())[: len(result.hits)]
    np.testing.assert_allclose([hit.distance for hit in result.hits], nearest, atol=2e-5)
    for hit in result.hits:
        assert hit.distance == pytest.approx(apart[hit.path], abs=2e-5)


def test_each_of_several_queries_has_the_answer_that_it_has_alone(album: Path) -> None:
    names = [str(album / name) for name in ("flower.jpg", "drawn/3.png", "china.png")]

    together = query(names, k=4, folder=album)

    assert [answer.queries for answer in together.answers] == [(name,) for name in names]
    for name, answer in zip(names, together.answers, strict=True):
        alone = query(name, k=4, folder=album).answers[0]
        # Several rows at once are rounded otherwise than one, by less than any report shows.
        assert {hit.path: pytest.approx(hit.distance, abs=1e-5) for hit in alone.hits} == {
            hit.path: hit.distance for hit in answer.hits
        }


def test_a_folder_asks_by_all_its_images_and_each_is_only_left_out_of_its_own_answer(album: Path) -> None:
    result = query(album / "drawn", k=IMAGES, folder=album)

    assert [answer.queries for answer in result.answers] == [
        (str(album / "drawn" / name),) for name in sorted(os.listdir(album / "drawn"))
    ]
    for answer in result.answers:
        paths = {hit.path for hit in answer.hits}
        assert len(paths) == IMAGES - 1
        assert os.path.relpath(answer.queries[0], album) not in paths


def test_many_queries_go_through_several_batches_in_order(tmp_path: Path, album: Path) -> None:
    for seed in range(35):
        drawn_picture(seed, 40, 30).save(tmp_path / f"{seed:02}.png")
    (tmp_path / "17.png").write_bytes(b"no image")
    heard = Heard()

    result = query(tmp_path, k=1, folder=album, progress=heard)

    assert [os.path.basename(answer.queries[0]) for answer in result.answers] == [
        f"{seed:02}.png" for seed in range(35) if seed != 17
    ]
    for answer in result.answers[:8]:
        assert os.path.basename(answer.queries[0])[1:] in answer.hits[0].path.replace("-smaller.webp", ".png")
    assert [skip.path for skip in result.skipped] == [str(tmp_path / "17.png")]
    assert any("17.png" in note for note in heard.notes)


def test_an_average_is_one_answer_by_the_mean_of_unit_rows(album: Path, rows: dict[str, np.ndarray]) -> None:
    names = ("flower.jpg", "drawn/3.png", "drawn/5.png")

    result = query([album / name for name in names], k=6, folder=album, average=True)

    assert [answer.queries for answer in result.answers] == [tuple(str(album / name) for name in names)]
    assert_hits_are_by(sum(rows[name] for name in names), rows, set(names), result)


def test_not_pushes_away_and_what_it_names_is_no_hit(album: Path, rows: dict[str, np.ndarray]) -> None:
    result = query(album / "drawn" / "3.png", k=6, folder=album, without=album / "drawn" / "5.png")

    assert result.answers[0].without == (str(album / "drawn" / "5.png"),)
    away = rows["drawn/3.png"] - AWAY * rows["drawn/5.png"]
    assert_hits_are_by(away, rows, {"drawn/3.png", "drawn/5.png"}, result)


def test_an_image_pushed_away_from_itself_still_has_an_answer(album: Path) -> None:
    image = album / "drawn" / "3.png"
    assert len(query(image, k=3, folder=album, without=[image]).hits) == 3


def test_an_image_to_push_away_from_that_can_not_be_used_is_an_error(album: Path) -> None:
    with pytest.raises(ImageError, match="gone"):
        query(album / "drawn" / "3.png", folder=album, without="gone.png")


def test_a_threshold_is_inclusive_and_cuts_what_is_farther(album: Path) -> None:
    whole = query(album / "china.png", k=IMAGES, folder=album)
    third = whole.hits[2].distance

    assert query(album / "china.png", k=IMAGES, folder=album, threshold=third).hits == whole.hits[:3]
    assert query(album / "china.png", k=2, folder=album, threshold=third).hits == whole.hits[:2]
    assert query(album / "drawn" / "3.png", folder=album, threshold=0).hits == ()
    assert len(query(album / "flower.jpg", folder=album, threshold=0).hits) == 2
    with pytest.raises(UsageError):
        query(album / "china.png", folder=album, threshold=2.5)


def sideways(file: Path, target: Path) -> None:
    """The same picture, stored turned, with the EXIF note that turns it back."""
    with Image.open(file) as upright:
        exif = Image.Exif()
        exif[0x0112] = 6
        upright.convert("RGB").transpose(Image.Transpose.ROTATE_90).save(target, exif=exif)


def test_a_part_asks_as_a_file_of_that_part_does_however_the_picture_is_stored(
    album: Path, tmp_path: Path
) -> None:
    with Image.open(album / "china.png") as china:
        china.crop((200, 100, 500, 320)).save(tmp_path / "part.png")
    sideways(album / "china.png", tmp_path / "sideways.png")
    expected = query(tmp_path / "part.png", k=8, folder=album).hits

    for name in (album / "china.png", tmp_path / "sideways.png"):
        result = query(name, k=8, folder=album, crop=(200, 100, 300, 220))
        assert result.answers[0].crop == (200, 100, 300, 220)
        got = {hit.path: hit.distance for hit in result.hits}
        for hit in expected[:5]:
            if hit.path in got:  # the query's own file is left out
                assert got[hit.path] == pytest.approx(hit.distance, abs=1e-5)
        assert len(set(got) & {hit.path for hit in expected}) >= 7


@pytest.mark.parametrize(
    "crop", [(0, 0, 641, 10), (640, 0, 1, 1), (0, 400, 10, 28), (0, 0, 0, 10), (-1, 0, 10, 10)]
)
def test_a_part_outside_of_the_picture_or_empty_is_refused(
    album: Path, crop: tuple[int, int, int, int]
) -> None:
    with pytest.raises(UsageError, match="640 x 427") as told:
        query(album / "china.png", folder=album, crop=crop)
    assert "0,0,640,427" in told.value.hint


def test_a_part_of_several_pictures_is_refused(album: Path) -> None:
    with pytest.raises(UsageError, match="9 pictures"):
        query(album / "drawn", folder=album, crop=(0, 0, 1, 1))


def test_a_picture_with_an_exif_turn_asks_upright(album: Path, tmp_path: Path) -> None:
    sideways(album / "china.png", tmp_path / "sideways.png")
    distance = {hit.path: hit.distance for hit in query(tmp_path / "sideways.png", k=3, folder=album).hits}
    # Made smaller across and then along, not along and then across: a level here and there differs.
    assert distance["china.png"] < 0.005
    assert distance.keys() == {"china.png", "small/china.jpg", "small/china-half.jpg"}


def test_of_several_queries_the_usable_ones_are_answered(album: Path, tmp_path: Path) -> None:
    (tmp_path / "text.jpg").write_text("no image")
    heard = Heard()

    names = [tmp_path / "gone.png", album / "flower.jpg", tmp_path / "text.jpg"]
    result = query(names, k=2, folder=album, progress=heard)

    assert [answer.queries for answer in result.answers] == [(str(album / "flower.jpg"),)]
    assert [skip.path for skip in result.skipped] == [str(tmp_path / "gone.png"), str(tmp_path / "text.jpg")]
    assert "no such file" in result.skipped[0].reason
    assert sum("left out" in note for note in heard.notes) == 2
    with pytest.raises(ImageError, match=r"gone\.png"):
        query([tmp_path / "gone.png", tmp_path / "text.jpg"], folder=album)


def test_verified_hits_say_what_they_are_to_the_query(album: Path, tmp_path: Path) -> None:
    with Image.open(album / "china.png") as china:
        china.crop((60, 40, 560, 400)).save(tmp_path / "part.jpg", quality=90)

    whole = {hit.path: hit for hit in query(album / "china.png", k=5, folder=album, verify=True).hits}
    part = {hit.path: hit for hit in query(tmp_path / "part.jpg", k=5, folder=album, verify=True).hits}
    copies = query(album / "flower.jpg", k=2, folder=album, verify=True).hits

    assert whole["small/china.jpg"].same and whole["small/china.jpg"].verdict == ("re-encoded",)
    assert whole["small/china-half.jpg"].verdict == ("resized",)
    assert [hit.same for path, hit in whole.items() if not path.startswith("small/china")] == [False] * 3
    assert part["china.png"].same and part["china.png"].verdict[0] == "source"
    assert "cropped" in part["china.png"].verdict
    assert [(hit.same, hit.verdict) for hit in copies] == [(True, ("identical-bytes",))] * 2


def test_a_part_is_proved_by_the_part_alone(album: Path) -> None:
    result = query(album / "china.png", k=5, folder=album, crop=(100, 50, 400, 300), verify=True)
    proved = {hit.path for hit in result.hits if hit.same}
    assert proved == {"small/china.jpg", "small/china-half.jpg"} & {hit.path for hit in result.hits} != set()


def test_a_hit_that_vanished_is_neither_the_same_nor_another(tmp_path: Path) -> None:
    for seed in range(3):
        drawn_picture(seed).save(tmp_path / f"{seed}.png")
    index(tmp_path)
    os.remove(tmp_path / "1.png")

    hits = {hit.path: hit.same for hit in query(tmp_path / "0.png", folder=tmp_path, verify=True).hits}

    assert hits == {"1.png": None, "2.png": False}


def test_a_query_named_through_a_link_is_left_out_of_an_average(album: Path, tmp_path: Path) -> None:
    os.symlink(album, tmp_path / "link")
    shutil.copy(album / "drawn" / "5.png", tmp_path / "mine.png")
    names = [tmp_path / "link" / "drawn" / "3.png", tmp_path / "mine.png"]
    hits = query(names, k=IMAGES, folder=album, average=True).hits
    assert len(hits) == IMAGES - 1 and "drawn/3.png" not in {hit.path for hit in hits}
