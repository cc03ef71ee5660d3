"""Finding duplicates in a folder of real and drawn pictures."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from augnet_program import tree
from conftest import drawn_picture
from photo_folders import IMAGES, SAME, SKIPPED, between, make_album
from PIL import Image, ImageOps

import augnet_cli
from augnet_cli import dedupe
from augnet_cli.errors import UsageError
from augnet_cli.records import Redundant
from augnet_cli.results import DedupeResult


@pytest.fixture(scope="module")
def album(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_album(tmp_path_factory.mktemp("dedupe") / "album")


@pytest.fixture(scope="module")
def threshold(album: Path) -> float:
    return between(album)


def redundant_of(result: DedupeResult) -> dict[str, Redundant]:
    return {image.path: image for group in result.groups for image in group.redundant}


@pytest.mark.parametrize("verify", [True, False])
def test_groups_are_the_same_pictures_and_nothing_else(album: Path, threshold: float, verify: bool) -> None:
    before = tree(album)
    result = dedupe(album, threshold, verify=verify)
    found = {(group.kept.path, *sorted(image.path for image in group.redundant)) for group in result.groups}
    assert found == set(SAME)
    assert (result.images, result.threshold, result.verified) == (IMAGES, threshold, verify)
    assert [skip.path for skip in result.skipped] == [SKIPPED]
    assert tree(album) == before


def test_witness_is_the_kept_image_and_distance_is_theirs(album: Path, threshold: float) -> None:
    for group in dedupe(album, threshold).groups:
        for image in group.redundant:
            assert image.witness == group.kept.path
            left, right = augnet_cli.encode([album / image.path, album / image.witness]).astype(np.float64)
            assert image.distance == pytest.approx(1 - left @ right, abs=1e-5)
            assert image.distance <= threshold


def test_identical_files_are_verified_at_any_threshold(album: Path) -> None:
    result = dedupe(album, 0)
    found = redundant_of(result)
    for path in ("copies/flower.jpg", "copies/flower again.jpg"):
        image = found[path]
        assert (image.distance, image.verified, image.verdict) == (0.0, True, ("identical-bytes",))
        assert image.witness == "flower.jpg"


def test_without_verification_near_copies_are_not_verified(album: Path, threshold: float) -> None:
    image = redundant_of(dedupe(album, threshold, verify=False))["small/china.jpg"]
    assert (image.verified, image.verdict, image.transform) == (False, ("near",), None)


def test_without_a_threshold_every_pair_is_proved_and_told_how_it_differs(album: Path) -> None:
    result = dedupe(album)
    assert (result.threshold, result.threshold_from, result.verified) == (None, "auto", True)
    found = redundant_of(result)
    assert {(image.witness, path) for path, image in found.items()} == {
        (kept, copy) for kept, *copies in SAME for copy in copies
    }
    assert all(image.verified for image in found.values())
    verdicts = {path: image.verdict for path, image in found.items()}
    assert verdicts == {
        "small/china.jpg": ("re-encoded",),
        "small/china-half.jpg": ("resized",),
        "copies/flower.jpg": ("identical-bytes",),
        "copies/flower again.jpg": ("identical-bytes",),
        "drawn/0-smaller.webp": ("resized",),
    }
    assert found["copies/flower.jpg"].transform is None
    half = found["small/china-half.jpg"].transform
    assert half is not None
    assert half.matrix == pytest.approx((2, 0, 0, 0, 427 / 213, 0), abs=0.02)
    assert half.box == pytest.approx((0, 0, 640, 427), abs=1)
    assert (half.degrees, half.mirrored, half.changed_share) == (0.0, False, 0.0)


def test_what_was_done_to_a_picture_is_told(tmp_path: Path, sample_photos: dict[str, Image.Image]) -> None:
    photo = sample_photos["china"]
    width, height = photo.size
    photo.save(tmp_path / "photo.png")
    photo.crop((120, 40, 520, 340)).save(tmp_path / "crop.jpg", quality=92)
    photo.rotate(90, expand=True).save(tmp_path / "left.jpg", quality=92)
    ImageOps.mirror(photo).save(tmp_path / "mirror.jpg", quality=92)
    ImageOps.expand(photo, 40, "white").save(tmp_path / "border.jpg", quality=92)
    ImageOps.grayscale(photo).save(tmp_path / "grey.jpg", quality=92)
    captioned = photo.copy()
    captioned.paste("black", (0, height - 50, width, height))
    captioned.save(tmp_path / "caption.jpg", quality=92)
    photo.save(tmp_path / "same.webp", lossless=True)

    (group,) = dedupe(tmp_path).groups

    assert group.kept.path == "photo.png"
    found = {image.path: image for image in group.redundant}
    assert {path: image.verdict for path, image in found.items()} == {
        "crop.jpg": ("cropped",),
        "left.jpg": ("rotated",),
        "mirror.jpg": ("mirrored",),
        "border.jpg": ("bordered",),
        "grey.jpg": ("recoloured",),
        "caption.jpg": ("edited",),
        "same.webp": ("identical-pixels",),
    }
    transforms = {path: image.transform for path, image in found.items() if image.transform is not None}
    assert transforms["crop.jpg"].box == pytest.approx((120, 40, 520, 340), abs=4)
    assert transforms["left.jpg"].degrees == pytest.approx(90, abs=0.5)
    assert transforms["mirror.jpg"].mirrored and abs(transforms["mirror.jpg"].degrees) < 0.5
    assert transforms["border.jpg"].box == pytest.approx((0, 0, width, height), abs=4)
    assert transforms["caption.jpg"].changed_share == pytest.approx(50 / height, abs=0.06)


def test_parts_of_a_picture_that_each_show_more_both_stay(
    tmp_path: Path, sample_photos: dict[str, Image.Image]
) -> None:
    photo = sample_photos["china"]
    photo.crop((0, 0, 440, 427)).save(tmp_path / "left.png")
    photo.crop((200, 0, 640, 427)).save(tmp_path / "right.png")

    result = dedupe(tmp_path)

    assert (result.groups, result.unverified) == ((), ())
    (part,) = result.partial
    assert {part.path, part.other} == {"left.png", "right.png"} and part.verdict[0] == "partial"
    shift = 200 if part.path == "right.png" else -200
    assert part.transform is not None
    assert part.transform.matrix == pytest.approx((1, 0, shift, 0, 1, 0), abs=4)


def test_pictures_that_show_too_little_are_told_and_go_only_if_asked_for(tmp_path: Path) -> None:
    """Two plain pictures: nothing in them can be laid upon each other."""
    Image.new("RGB", (200, 150), (200, 30, 30)).save(tmp_path / "red.png")
    Image.new("RGB", (220, 160), (201, 31, 30)).save(tmp_path / "redder.png")
    drawn_picture(1).save(tmp_path / "other.png")

    result = dedupe(tmp_path)

    assert not result.groups and not result.partial
    (suspect,) = result.unverified
    assert {suspect.path, suspect.other} == {"red.png", "redder.png"}
    assert (suspect.verdict, suspect.transform) == (("unverified",), None)
    (group,) = dedupe(tmp_path, include_unverified=True).groups
    (image,) = group.redundant
    assert (image.verified, image.verdict) == (False, ("unverified",))
    assert {image.path, image.witness} == {"red.png", "redder.png"}


def test_photos_of_one_moment_are_a_stack_and_none_goes(
    tmp_path: Path, sample_photos: dict[str, Image.Image]
) -> None:
    """The camera's own times say that they are two photos, however alike."""
    for second in range(2):
        exif = Image.Exif()
        exif.get_ifd(0x8769)[0x9003] = f"2019:05:01 10:00:0{second}"
        sample_photos["china"].save(tmp_path / f"{second}.jpg", exif=exif, quality=90 + second)

    assert not dedupe(tmp_path).groups
    assert dedupe(tmp_path).stacks == ()
    assert [stack.paths for stack in dedupe(tmp_path, stacks=True).stacks] == [("0.jpg", "1.jpg")]


def test_a_second_run_proves_nothing_again_and_finds_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from augnet_cli.duplicates.sketching import Sketches

    album = make_album(tmp_path / "album")
    first = dedupe(album)

    def read(self: Sketches, row: int) -> None:
        raise AssertionError("a picture was read again")

    monkeypatch.setattr(Sketches, "read", read)
    assert dedupe(album).groups == first.groups


class Impatient(augnet_cli.Progress):
    """Ctrl-C after so many candidates."""

    def __init__(self, after: int) -> None:
        self.verifying, self.left = False, after

    def start(self, stage: str, total: int | None) -> None:
        self.verifying = stage == "verifying"

    def advance(self, done: int = 1, skipped: int = 0, detail: str = "") -> None:
        if self.verifying:
            self.left -= done
            if self.left < 0:
                raise KeyboardInterrupt


def test_what_was_found_before_an_interrupt_stays_found(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from augnet_cli.duplicates.prover import Prover

    album = make_album(tmp_path / "album")
    with pytest.raises(KeyboardInterrupt):
        dedupe(album, progress=Impatient(20))

    proved: list[object] = []
    found = Prover._found
    monkeypatch.setattr(Prover, "_found", lambda self, way: proved.append(way) or found(self, way))
    result = dedupe(album)
    assert {group.kept.path for group in result.groups} == {same[0] for same in SAME}
    again = len(proved)
    proved.clear()
    shutil.rmtree(album / ".augnet")
    assert dedupe(album).groups == result.groups
    assert again < len(proved)


@pytest.mark.parametrize("wish", ["include_unverified", "stacks"])
def test_what_needs_proofs_is_refused_without_them(album: Path, wish: str) -> None:
    with pytest.raises(UsageError, match="need proofs"):
        dedupe(album, verify=False, **{wish: True})


def test_redundant_bytes_are_those_of_the_redundant_files(album: Path, threshold: float) -> None:
    result = dedupe(album, threshold)
    assert result.redundant_bytes == sum((album / path).stat().st_size for path in redundant_of(result))


def test_kept_has_most_pixels_then_most_bytes_then_the_shortest_path(tmp_path: Path) -> None:
    picture = drawn_picture(1, 200, 150)
    few_pixels = picture.resize((100, 75), Image.Resampling.LANCZOS)
    few_pixels.save(tmp_path / "a-few-pixels-many-bytes.bmp")
    picture.save(tmp_path / "b-few-bytes.png", optimize=True)
    picture.save(tmp_path / "d-many-bytes.png", compress_level=0)
    small, large = augnet_cli.encode(
        [tmp_path / "a-few-pixels-many-bytes.bmp", tmp_path / "b-few-bytes.png"]
    ).astype(np.float64)
    near = 1 - float(small @ large) + 1e-3

    def kept() -> tuple[str, str, int]:
        (group,) = dedupe(tmp_path, near).groups
        rule = group.kept.reason.partition(" (")[0]  # without the figure that decided
        return group.kept.path, rule, len(group.redundant)

    assert kept() == ("d-many-bytes.png", "most bytes", 2)
    (tmp_path / "d-many-bytes.png").rename(tmp_path / "d")
    assert kept() == ("d", "most bytes", 2)
    (tmp_path / "d").unlink()
    assert kept() == ("b-few-bytes.png", "most pixels", 1)
    shutil.copy(tmp_path / "b-few-bytes.png", tmp_path / "b-few-bytes (1).png")
    assert kept() == ("b-few-bytes.png", "shortest path", 2)
    shutil.copy(tmp_path / "b-few-bytes.png", tmp_path / "a-few-bytes.png")
    assert kept() == ("a-few-bytes.png", "first path", 3)


class Heard(augnet_cli.Progress):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def note(self, text: str) -> None:
        self.notes.append(text)


def test_keep_chooses_what_stays_and_says_which_rule_did(tmp_path: Path) -> None:
    """Three of one picture, each the best by some rule; of the smallest there are two files."""
    picture = drawn_picture(1, 320, 240)
    (tmp_path / "album" / "2019").mkdir(parents=True)
    exif = Image.Exif()
    exif.get_ifd(0x8769)[0x9003] = "2019:05:01 10:00:00"
    picture.save(tmp_path / "shot.jpg", exif=exif, quality=95)
    picture.resize((160, 120), Image.Resampling.LANCZOS).save(tmp_path / "album" / "2019" / "a.png")
    shutil.copy(tmp_path / "album" / "2019" / "a.png", tmp_path / "a.png")
    picture.resize((640, 480), Image.Resampling.LANCZOS).save(tmp_path / "enlarged.webp")
    drawn_picture(9, 200, 200).save(tmp_path / "other.png")
    files = ("shot.jpg", "a.png", "album/2019/a.png", "enlarged.webp")
    for days, path in enumerate(files):
        os.utime(tmp_path / path, (1.6e9 + days * 86_400,) * 2)
    rows = augnet_cli.encode([tmp_path / path for path in files]).astype(np.float64)
    near = 1 - float((rows @ rows.T).min()) + 1e-3
    heard = Heard()

    def kept(keep: str | None) -> tuple[str, str]:
        result = dedupe(tmp_path, near, progress=heard, keep=keep)
        (group,) = result.groups
        assert {group.kept.path, *redundant_of(result)} == set(files)
        assert result.keep == keep
        return group.kept.path, group.kept.reason

    assert kept(None) == ("enlarged.webp", "most pixels (640 x 480)")
    assert kept("folder:album,resolution") == ("album/2019/a.png", "folder album")
    assert kept("folder:album/2019") == ("album/2019/a.png", "folder album/2019")
    assert kept("format:png>jpg,resolution,shortest-path") == ("a.png", "shortest path")
    assert kept("format:jpeg>png") == ("shot.jpg", "format jpeg")
    assert kept("oldest") == ("shot.jpg", "oldest (2019-05-01T10:00:00)")
    assert kept("newest")[0] == "enlarged.webp"
    assert heard.notes == []
    assert kept("folder:2019/album,shortest-path,resolution") == ("a.png", "shortest path")
    (note,) = heard.notes
    assert "folder:2019/album" in note and "no image" in note


def test_a_rule_that_there_is_not_is_refused_before_any_work(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no rule largest"):
        dedupe(tmp_path / "missing", keep="largest")


def test_without_a_threshold_the_encoder_card_decides(album: Path) -> None:
    from augnet_cli.encoder.embedder import Embedder
    from augnet_cli.encoder.locate import shipped_encoder

    result = dedupe(album, verify=False)
    assert result.threshold == Embedder.load(shipped_encoder()).card.threshold
    # Whatever that distance is, identical files are found under it.
    assert {"copies/flower.jpg", "copies/flower again.jpg"} <= set(redundant_of(result))


def test_threshold_is_inclusive(album: Path, threshold: float) -> None:
    distance = redundant_of(dedupe(album, threshold))["small/china-half.jpg"].distance
    assert "small/china-half.jpg" in redundant_of(dedupe(album, distance))
    below = float(np.nextafter(np.float32(distance), np.float32(0)))
    assert "small/china-half.jpg" not in redundant_of(dedupe(album, below)) or below == 0


@pytest.mark.parametrize("wrong", [-0.1, 2.1, float("nan")])
def test_threshold_outside_the_distances_is_refused(album: Path, wrong: float) -> None:
    with pytest.raises(UsageError, match="outside"):
        dedupe(album, wrong)


def test_hard_links_are_two_paths_of_the_same_bytes(tmp_path: Path) -> None:
    drawn_picture(1).save(tmp_path / "a.png")
    os.link(tmp_path / "a.png", tmp_path / "b.png")
    (group,) = dedupe(tmp_path, 0).groups
    assert (group.kept.path, [image.path for image in group.redundant]) == ("a.png", ["b.png"])


def test_folder_of_broken_images_has_no_groups(tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff no more")
    result = dedupe(tmp_path, 0.2)
    assert (result.images, result.groups, len(result.skipped)) == (0, (), 1)


def test_what_a_person_decided_outweighs_distance_and_survives_a_rename(tmp_path: Path) -> None:
    picture = drawn_picture(3, 320, 240)
    picture.save(tmp_path / "large.png")
    picture.resize((160, 120)).save(tmp_path / "small.png")
    drawn_picture(9, 200, 200).save(tmp_path / "other.png")
    assert redundant_of(dedupe(tmp_path, 0.2)).keys() == {"small.png"}
    augnet_cli.decide(tmp_path, "large.png", "small.png", same=False)
    assert not dedupe(tmp_path, 0.2).groups
    (tmp_path / "small.png").rename(tmp_path / "renamed.png")
    assert not dedupe(tmp_path, 0.2).groups
    # A new picture that is like both was not decided about.
    picture.resize((240, 180)).save(tmp_path / "middle.png")
    assert redundant_of(dedupe(tmp_path, 0.2)).keys() == {"middle.png"}
    augnet_cli.decide(tmp_path, "large.png", "other.png", same=True)
    found = redundant_of(dedupe(tmp_path, 0.0))
    assert found.keys() == {"other.png"} and found["other.png"].distance > 0.2
