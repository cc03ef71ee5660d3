"""Verified duplicates in folders of real pictures: what may go, what never may, and what is told of it.

Nothing is played here: files on disk, the shipped encoder, the store, proofs.
"""

from __future__ import annotations

import io
import json
import os
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path

import numpy as np
import pytest
from augnet_program import tree
from conftest import drawn_picture
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from matplotlib.cbook import get_sample_data
from PIL import Image, ImageDraw, ImageFont, ImageOps
from sklearn.datasets import load_sample_images

import augnet_cli
from augnet_cli import dedupe
from augnet_cli.pipeline.embed import embed
from augnet_cli.pipeline.refresh import FolderRequest
from augnet_cli.records import Redundant
from augnet_cli.report.data import write_dedupe
from augnet_cli.results import DedupeResult

Photos = Mapping[str, Image.Image]


@pytest.fixture(scope="module")
def photos() -> Photos:
    """Three photographs; what JPEG would do to a copy of them has been done."""
    china, flower = (Image.fromarray(pixels) for pixels in load_sample_images().images)
    with get_sample_data("grace_hopper.jpg") as file:
        portrait = Image.open(file).convert("RGB")
    return {"china": china, "flower": flower, "portrait": portrait}


NAMES = ("china", "flower", "portrait")


def save(image: Image.Image, file: Path, taken: str | None = None, turn: int | None = None) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    exif = Image.Exif()
    if taken is not None:
        exif.get_ifd(0x8769)[0x9003] = taken
    if turn is not None:
        exif[0x0112] = turn
    kinds: dict[str, dict[str, object]] = {".jpg": {"quality": 93}, ".webp": {"lossless": True}}
    options = kinds.get(file.suffix, {})
    image.save(file, exif=exif, **options)


def half(image: Image.Image, ratio: float = 0.5) -> Image.Image:
    return image.resize((round(image.width * ratio), round(image.height * ratio)), Image.Resampling.LANCZOS)


def on_a_screen(image: Image.Image) -> Image.Image:
    """A larger screen of other things and words on which the picture is seen, pixel for pixel."""
    screen = Image.new("RGB", (image.width + 260, image.height + 460), (246, 246, 248))
    draw = ImageDraw.Draw(screen)
    font = ImageFont.load_default(17)
    lines = "Sent from the camera to all of us, see below; more of them tomorrow when we are back home"
    for top in (*range(20, 190, 26), *range(image.height + 240, screen.height - 30, 26)):
        draw.text((30 + top % 7, top), lines[top % 31 :][:58], fill=(30, 30, 40), font=font)
    screen.paste(image, (130, 210))
    return screen


def captioned(image: Image.Image) -> Image.Image:
    image = image.copy()
    draw = ImageDraw.Draw(image)
    top = image.height * 0.84
    draw.rectangle((0, top, *image.size), fill=(0, 0, 0))
    font = ImageFont.load_default(image.height * 0.1)
    middle = (image.width / 2, (top + image.height) / 2)
    draw.text(middle, "best day ever", fill=(255, 255, 255), font=font, anchor="mm")
    return image


def stickered(image: Image.Image) -> Image.Image:
    image = image.copy()
    draw = ImageDraw.Draw(image)
    side = min(image.size) * 0.35
    left, top = image.width * 0.5, image.height * 0.3
    draw.ellipse((left, top, left + side, top + side), fill=(190, 20, 20))
    return image


def page_of_text(words: str, size: tuple[int, int] = (480, 640)) -> Image.Image:
    page = Image.new("RGB", size, (252, 252, 250))
    draw = ImageDraw.Draw(page)
    font = ImageFont.load_default(16)
    for number, top in enumerate(range(30, size[1] - 40, 24)):
        start = number * 41 % len(words)
        draw.text((36, top), (words + words)[start : start + 40], fill=(20, 20, 30), font=font)
    return page


LETTER = "I write to you about the garden wall which has come down again after the rain of last week "
RECIPE = "Take six eggs, half a pound of flour and some butter; beat them well, then leave it for a day "


def graphic(shapes: str, colour: tuple[int, int, int]) -> Image.Image:
    image = Image.new("RGB", (300, 300), (235, 240, 220))
    draw = ImageDraw.Draw(image)
    if shapes == "box and ball":
        draw.rectangle((40, 60, 130, 200), fill=colour)
        draw.ellipse((150, 120, 270, 260), fill=(30, 60, 120))
    else:
        draw.polygon(((150, 20), (280, 270), (20, 270)), fill=colour)
        draw.rectangle((130, 120, 170, 240), fill=(250, 250, 250))
    return image


def by_path(result: DedupeResult) -> dict[str, Redundant]:
    return {image.path: image for group in result.groups for image in group.redundant}


def kept_of(result: DedupeResult) -> list[str]:
    return [group.kept.path for group in result.groups]


def partial_pairs(result: DedupeResult) -> set[frozenset[str]]:
    return {frozenset((suspect.path, suspect.other)) for suspect in result.partial}


def as_json(result: DedupeResult) -> bytes:
    stream = io.BytesIO()
    write_dedupe(result, "json", stream)
    return stream.getvalue()


def check_stars(result: DedupeResult) -> None:
    """Each redundant image has a kept witness; what is kept never goes, and no path stands twice."""
    kept = kept_of(result)
    gone = [image.path for group in result.groups for image in group.redundant]
    assert len(set(kept) | set(gone)) == len(kept) + len(gone)
    for group in result.groups:
        assert group.redundant
        assert all(image.witness == group.kept.path for image in group.redundant)
    for suspect in result.suspects:
        assert suspect.path not in gone and suspect.other not in gone
    for stack in result.stacks:
        assert len(stack.paths) > 1 and not set(stack.paths) & set(gone)


# What must never beat its source; of each of the photographs in one folder


def test_a_screenshot_that_contains_the_photo_is_partial_and_stays(tmp_path: Path, photos: Photos) -> None:
    for name in NAMES:
        save(half(photos[name]), tmp_path / f"{name}.jpg")
        save(on_a_screen(half(photos[name])), tmp_path / f"{name} on a screen.png")
        result = dedupe(tmp_path)
        assert result.groups == ()
        assert partial_pairs(result) == {frozenset((f"{name}.jpg", f"{name} on a screen.png"))}
        for file in tmp_path.glob("*.*g"):
            file.unlink()


def test_a_framed_copy_never_beats_its_source(tmp_path: Path, photos: Photos) -> None:
    for name, colour in zip(NAMES, ("white", "black", "#804020"), strict=True):
        save(photos[name], tmp_path / f"{name}.jpg")
        save(ImageOps.expand(photos[name], 45, colour), tmp_path / f"{name} framed.png")
    result = dedupe(tmp_path)
    assert kept_of(result) == [f"{name}.jpg" for name in NAMES]
    for image in by_path(result).values():
        assert "bordered" in image.verdict and image.verified


@pytest.mark.parametrize(
    ("ratio", "how"), [(2.0, Image.Resampling.LANCZOS), (3.0, Image.Resampling.BILINEAR)]
)
def test_an_enlargement_never_beats_its_source(
    tmp_path: Path, photos: Photos, ratio: float, how: Image.Resampling
) -> None:
    for name in NAMES:
        photo = half(photos[name], 0.6)
        save(photo, tmp_path / f"{name}.png")
        large = photo.resize((round(photo.width * ratio), round(photo.height * ratio)), how)
        save(large, tmp_path / f"{name} enlarged.png")
    result = dedupe(tmp_path)
    assert kept_of(result) == [f"{name}.png" for name in NAMES]
    assert {image.verdict for image in by_path(result).values()} == {("resized",)}


def test_more_pixels_of_the_same_picture_beat_fewer(tmp_path: Path, photos: Photos) -> None:
    for name in NAMES:
        save(photos[name], tmp_path / f"{name}.jpg")
        save(half(photos[name], 0.25), tmp_path / "a" / f"{name}.jpg")
    result = dedupe(tmp_path)
    assert kept_of(result) == [f"{name}.jpg" for name in NAMES]
    assert by_path(result).keys() == {f"a/{name}.jpg" for name in NAMES}


@pytest.mark.parametrize("edit", [captioned, stickered])
def test_what_was_painted_on_is_edited_and_the_plain_one_stays(
    tmp_path: Path, photos: Photos, edit: Callable[[Image.Image], Image.Image]
) -> None:
    for name in NAMES:
        save(photos[name], tmp_path / f"{name}, the plain one.png")
        save(edit(photos[name]), tmp_path / f"{name}.png")
    result = dedupe(tmp_path)
    assert kept_of(result) == [f"{name}, the plain one.png" for name in NAMES]
    for group in result.groups:
        assert group.kept.reason.startswith("unedited")
    for image in by_path(result).values():
        assert image.verdict == ("edited",) and image.verified
        assert image.transform is not None and 0.02 < image.transform.changed_share < 0.4


def test_a_crop_goes_for_the_whole_and_says_where_it_was(tmp_path: Path, photos: Photos) -> None:
    boxes = {}
    for name, photo in photos.items():
        box = (photo.width // 6, photo.height // 7, photo.width * 5 // 6, photo.height * 4 // 5)
        boxes[f"{name} crop.png"] = box
        save(photo, tmp_path / f"{name}.png")
        save(photo.crop(box), tmp_path / f"{name} crop.png")
    found = by_path(dedupe(tmp_path))
    assert found.keys() == boxes.keys()
    for path, image in found.items():
        assert image.verdict == ("cropped",) and image.transform is not None
        np.testing.assert_allclose(image.transform.box, boxes[path], atol=8)


def test_parts_of_one_panorama_are_partial_and_both_stay(tmp_path: Path, photos: Photos) -> None:
    for name, photo in photos.items():
        save(photo.crop((0, 0, photo.width * 2 // 3, photo.height)), tmp_path / f"{name} left.jpg")
        save(photo.crop((photo.width // 3, 0, photo.width, photo.height)), tmp_path / f"{name} right.jpg")
    result = dedupe(tmp_path, include_unverified=True, stacks=True)
    assert result.groups == () and result.stacks == ()
    assert partial_pairs(result) == {frozenset((f"{name} left.jpg", f"{name} right.jpg")) for name in NAMES}
    assert result.unverified == ()
    for suspect in result.partial:
        assert suspect.verdict[0] == "partial" and suspect.transform is not None


# What is the same, and what only looks so


def test_photos_that_a_camera_dated_differently_are_a_stack(tmp_path: Path, photos: Photos) -> None:
    for name, photo in photos.items():
        save(photo, tmp_path / f"{name} 1.jpg", taken="2021:07:01 10:00:00")
        save(half(photo, 0.9), tmp_path / f"{name} 2.jpg", taken="2021:07:01 10:00:01")
        save(half(photo, 0.8), tmp_path / f"{name} copy of 1.jpg", taken="2021:07:01 10:00:00")
    result = dedupe(tmp_path, stacks=True)
    assert kept_of(result) == [f"{name} 1.jpg" for name in NAMES]
    assert by_path(result).keys() == {f"{name} copy of 1.jpg" for name in NAMES}
    assert [stack.paths for stack in result.stacks] == [(f"{name} 1.jpg", f"{name} 2.jpg") for name in NAMES]
    assert result.suspects == ()
    assert dedupe(tmp_path).stacks == ()  # only where they are asked for


def test_shots_of_one_second_are_a_stack_where_the_camera_told_its_parts(
    tmp_path: Path, photos: Photos
) -> None:
    for number, part in enumerate(("10", "60")):
        exif = Image.Exif()
        exif.get_ifd(0x8769).update({0x9003: "2024:05:06 07:08:09", 0x9291: part})
        brighter = photos["china"].point([min(255, level + 2 * number) for level in range(256)] * 3)
        brighter.save(tmp_path / f"burst{number}.jpg", exif=exif, quality=93)

    found = dedupe(tmp_path, stacks=True)

    assert not found.groups and [stack.paths for stack in found.stacks] == [("burst0.jpg", "burst1.jpg")]


@pytest.mark.parametrize("kind", ["tiff", "gif", "png", "webp"])
def test_a_file_of_several_frames_stays_and_lets_others_go(tmp_path: Path, photos: Photos, kind: str) -> None:
    """Only the first frame is compared: for the others nobody could stand."""
    china, flower = photos["china"], photos["flower"]
    save(china.resize((960, 640), Image.Resampling.LANCZOS), tmp_path / "large.jpg")
    for number, next_frame in enumerate((flower, ImageOps.mirror(flower))):
        half(china).save(tmp_path / f"{number}.{kind}", save_all=True, append_images=[half(next_frame)])
    save(half(china, 0.4), tmp_path / "small.jpg")

    found = dedupe(tmp_path)

    assert [each.path for group in found.groups for each in group.redundant] == ["small.jpg"]
    parts = {(suspect.path, "partial" in suspect.verdict) for suspect in found.suspects}
    assert {(f"{number}.{kind}", True) for number in (0, 1)} <= parts
    assert dedupe(tmp_path).groups == found.groups  # as it was remembered


def test_transparency_stays_unless_another_has_it_too(tmp_path: Path, photos: Photos) -> None:
    cut_out = photos["flower"].convert("RGBA")
    cut_out.paste((255, 255, 255, 0), (0, 0, 90, 90))
    half(cut_out, 0.7).save(tmp_path / "cut out.png")
    half(cut_out).save(tmp_path / "smaller.png")
    laid = Image.new("RGB", cut_out.size, "white")
    laid.paste(cut_out, mask=cut_out.getchannel("A"))
    save(laid, tmp_path / "large.jpg")

    assert {each.path for group in dedupe(tmp_path).groups for each in group.redundant} == {"smaller.png"}

    (tmp_path / "large.jpg").unlink()
    save(half(laid), tmp_path / "small.jpg")
    gone = {each.path for group in dedupe(tmp_path).groups for each in group.redundant}
    assert gone == {"smaller.png", "small.jpg"}


@pytest.mark.parametrize("name", NAMES)
def test_the_same_pixels_in_other_bytes_are_identical_pixels(
    tmp_path: Path, photos: Photos, name: str
) -> None:
    save(half(photos[name]), tmp_path / "photo.jpg")
    with Image.open(tmp_path / "photo.jpg") as decoded:
        pixels = decoded.convert("RGB")
    save(pixels, tmp_path / "photo.png")
    save(pixels.transpose(Image.Transpose.ROTATE_90), tmp_path / "turned by exif.png", turn=6)
    nearly = pixels.copy()
    nearly.putpixel((5, 5), tuple(level ^ 1 for level in pixels.getpixel((5, 5))))
    # Larger in bytes it would be kept, and nothing be identical to it.
    save(nearly, tmp_path / "one pixel.webp")
    (group,) = dedupe(tmp_path).groups
    verdicts = {image.path: image.verdict for image in group.redundant}
    assert group.kept.path in {"photo.png", "turned by exif.png"}
    assert verdicts.pop("one pixel.webp") == ("re-encoded",)
    assert len(verdicts) == 2 and set(verdicts.values()) == {("identical-pixels",)}
    assert all(image.verified for image in group.redundant)


def test_text_and_graphics_in_two_formats_are_the_same_and_others_are_not(tmp_path: Path) -> None:
    letter, recipe = page_of_text(LETTER), page_of_text(RECIPE)
    save(letter, tmp_path / "letter.png")
    save(half(letter, 0.75), tmp_path / "letter.webp")
    save(recipe, tmp_path / "recipe.png")
    save(graphic("box and ball", (200, 30, 30)), tmp_path / "graphic.png")
    save(graphic("box and ball", (200, 30, 30)), tmp_path / "graphic.jpg")
    save(graphic("sign", (200, 30, 30)), tmp_path / "another.png")
    result = dedupe(tmp_path)
    found = {frozenset((image.witness, path)) for path, image in by_path(result).items()}
    assert found == {frozenset(("letter.png", "letter.webp")), frozenset(("graphic.png", "graphic.jpg"))}
    assert "letter.png" in kept_of(result)
    assert all(image.verified for image in by_path(result).values())


def test_suspects_too_plain_for_a_proof_go_only_when_asked(tmp_path: Path) -> None:
    """Pages of other words lie near each other and nothing proves them: told apart, and never acted on."""
    save(page_of_text(LETTER), tmp_path / "letter.png")
    save(page_of_text(RECIPE), tmp_path / "recipe.png")
    result = dedupe(tmp_path, threshold=0.5)
    assert result.groups == ()
    (suspect,) = result.unverified
    assert suspect.verdict == ("unverified",) and suspect.transform is None
    assert {suspect.path, suspect.other} == {"letter.png", "recipe.png"}
    asked = dedupe(tmp_path, threshold=0.5, include_unverified=True)
    (image,) = by_path(asked).values()
    assert (image.verified, image.verdict) == (False, ("unverified",))
    assert asked.suspects == ()
    check_stars(asked)


def test_photographs_dressed_alike_are_not_the_same(tmp_path: Path, photos: Photos) -> None:
    for name in NAMES:
        image = photos[name].resize((480, 400), Image.Resampling.LANCZOS)
        save(captioned(image), tmp_path / f"{name} with words.jpg")
        save(ImageOps.expand(image, 60, "black"), tmp_path / f"{name} in black.jpg")
    result = dedupe(tmp_path)
    for path, image in by_path(result).items():
        assert path.split()[0] == image.witness.split()[0]
    for pair in partial_pairs(result):
        assert len({path.split()[0] for path in pair}) == 1


# The result as a whole


def make_mixture(folder: Path, photos: Photos) -> None:
    """Copies of all sorts, among them parts and screens that have to stay."""
    for name in NAMES:
        photo = half(photos[name])
        save(photo, folder / f"{name}.png")
        save(half(photo), folder / "small" / f"{name}.jpg")
        save(ImageOps.mirror(photo), folder / f"{name} mirrored.jpg")
    china, flower = half(photos["china"]), half(photos["flower"])
    save(captioned(china), folder / "words.png")
    save(china.crop((40, 25, 250, 190)), folder / "crop.jpg")
    save(flower.rotate(90, expand=True), folder / "turned.png")
    save(on_a_screen(flower), folder / "screen.png")
    save(page_of_text(LETTER), folder / "letter.png")
    save(page_of_text(RECIPE), folder / "recipe.png")
    shutil.copy(folder / "china.png", folder / "china again.png")


@pytest.fixture(scope="module")
def mixture(tmp_path_factory: pytest.TempPathFactory, photos: Photos) -> Path:
    folder = tmp_path_factory.mktemp("verified") / "mixture"
    make_mixture(folder, photos)
    return folder


def test_a_mixture_is_told_apart_and_no_file_is_touched(mixture: Path) -> None:
    before = tree(mixture)
    result = dedupe(mixture, stacks=True)
    check_stars(result)
    assert tree(mixture) == before
    picture = {"words": "china", "crop": "china", "turned": "flower"}
    found = {path: image.witness for path, image in by_path(result).items()}
    for path, witness in found.items():
        name = Path(path).stem.split()[0]
        assert picture.get(name, name) == witness.split()[0].removesuffix(".png"), path
    # "china.png" and "china again.png" are of the same bytes: one of them stays.
    assert len(found) == 10 and {"screen.png", "letter.png", "recipe.png"}.isdisjoint(found)
    assert frozenset(("screen.png", "flower.png")) in partial_pairs(result)
    twins = by_path(result)["china again.png"]
    assert (twins.verdict, twins.distance, twins.verified) == (("identical-bytes",), 0.0, True)
    assert (result.threshold, result.threshold_from, result.verified) == (None, "auto", True)


def test_what_was_remembered_gives_the_same_to_the_byte(mixture: Path, private_home: Path) -> None:
    """Found anew, found again, and found again when half of the folder had been known alone."""
    first = as_json(dedupe(mixture, stacks=True))
    assert as_json(dedupe(mixture, stacks=True)) == first
    stores = [path for path in private_home.rglob("*") if path.is_file()]
    assert stores or list(mixture.glob(".augnet*"))
    assert len(json.loads(first)["groups"]) == 3


def test_findings_of_some_images_change_nothing_for_all(tmp_path: Path, photos: Photos) -> None:
    make_mixture(tmp_path / "whole", photos)
    whole = dedupe(tmp_path / "whole", stacks=True)
    shutil.copytree(tmp_path / "whole", tmp_path / "grown", ignore=shutil.ignore_patterns(".augnet*"))
    aside = ("china.png", "turned.png", "words.png", "small")
    for name in aside:
        (tmp_path / "grown" / name).rename(tmp_path / name)
    dedupe(tmp_path / "grown")
    for name in aside:
        (tmp_path / name).rename(tmp_path / "grown" / name)
    grown = dedupe(tmp_path / "grown", stacks=True)
    assert (grown.groups, grown.suspects) == (whole.groups, whole.suspects)


def test_embedded_before_gives_the_same_as_embedded_on_the_way(mixture: Path) -> None:
    """The first proves what it decodes anew, the second what came along."""
    before, fresh = mixture.parent / "embedded before", mixture.parent / "embedded fresh"
    for folder in (before, fresh):
        shutil.copytree(mixture, folder, ignore=shutil.ignore_patterns(".augnet*"))
    embed(FolderRequest(str(before)))
    found, anew = dedupe(before, stacks=True), dedupe(fresh, stacks=True)
    assert (found.groups, found.suspects) == (anew.groups, anew.suspects)


def test_workers_change_nothing(mixture: Path) -> None:
    """Each in a home of its own, so that nothing is remembered."""
    from augnet_cli.pipeline.dedupe import dedupe as verb
    from augnet_cli.pipeline.refresh import FolderRequest

    found = []
    for workers in (1, 4):
        folder = mixture.parent / f"with {workers}"
        shutil.copytree(mixture, folder, ignore=shutil.ignore_patterns(".augnet*"))
        found.append(verb(FolderRequest(str(folder), workers=workers), stacks=True))
    assert found[0].groups == found[1].groups and found[0].suspects == found[1].suspects


SMALL = ("china.png", "crop.jpg", "words.png", "half.jpg", "flower.png", "flower mirrored.jpg", "screen.png")


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory, photos: Photos) -> Path:
    folder = tmp_path_factory.mktemp("small")
    china, flower = half(photos["china"]), half(photos["flower"])
    pictures = (
        china,
        china.crop((40, 30, 260, 190)),
        captioned(china),
        half(china),
        flower,
        ImageOps.mirror(flower),
        on_a_screen(flower),
    )
    for name, picture in zip(SMALL, pictures, strict=True):
        save(picture, folder / name)
    return folder


@given(order=st.permutations(range(len(SMALL))))
@settings(max_examples=3, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_names_and_their_order_change_nothing(
    small: Path, order: list[int], tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Files are named anew, all names of one length: the same contents are kept, go, and are told of."""
    folder = tmp_path_factory.mktemp("renamed")
    renamed = {}
    for number, place in enumerate(order):
        renamed[f"{number}.img"] = SMALL[place]
        shutil.copy(small / SMALL[place], folder / f"{number}.img")

    def told(result: DedupeResult, name: Mapping[str, str]) -> object:
        groups = {
            (
                name[group.kept.path],
                frozenset((name[image.path], image.verdict, image.transform) for image in group.redundant),
            )
            for group in result.groups
        }
        suspects = {
            (frozenset((name[each.path], name[each.other])), each.verdict[0]) for each in result.suspects
        }
        return groups, suspects

    expected = told(dedupe(small), {name: name for name in SMALL})
    assert told(dedupe(folder), renamed) == expected


def test_decisions_outweigh_proofs_both_ways(tmp_path: Path, photos: Photos) -> None:
    china, flower = photos["china"], photos["flower"]
    save(china, tmp_path / "china.png")
    save(half(china, 0.25), tmp_path / "small.png")
    save(flower, tmp_path / "flower.png")
    assert by_path(dedupe(tmp_path)).keys() == {"small.png"}
    augnet_cli.decide(tmp_path, "china.png", "small.png", same=False)
    apart = dedupe(tmp_path)
    assert not apart.groups and not apart.suspects
    (tmp_path / "small.png").rename(tmp_path / "renamed.png")
    assert not dedupe(tmp_path).groups
    # They stay apart, though both are the same picture as a third one.
    save(half(china, 0.22), tmp_path / "third.png")
    between = {frozenset((path, image.witness)) for path, image in by_path(dedupe(tmp_path)).items()}
    assert between and frozenset(("china.png", "renamed.png")) not in between
    augnet_cli.decide(tmp_path, "china.png", "flower.png", same=True)
    together = dedupe(tmp_path)
    check_stars(together)
    found = by_path(together)
    image = found.get("flower.png") or found["china.png"]
    assert {image.path, image.witness} == {"china.png", "flower.png"}
    assert (image.verified, image.verdict, image.transform) == (True, ("decided",), None)


class Saboteur(augnet_cli.Progress):
    """Does something to files as soon as pairs are being verified."""

    def __init__(self, work: Callable[[], object]) -> None:
        self.work = work
        self.done = False

    def start(self, stage: str, total: int | None, unit: str = "images") -> None:
        if stage == "verifying":
            self.work()
            self.done = True


@pytest.mark.parametrize("loss", ["gone", "changed", "cut short", "unreadable"])
def test_a_file_lost_between_embedding_and_proof_does_no_harm(
    tmp_path: Path, photos: Photos, loss: str
) -> None:
    china, flower = half(photos["china"]), half(photos["flower"])
    save(china, tmp_path / "china.png")
    save(half(china), tmp_path / "half.png")
    save(flower, tmp_path / "flower.png")
    save(half(flower), tmp_path / "small.png")
    lost = tmp_path / "half.png"

    def lose() -> None:
        data = lost.read_bytes()
        lost.unlink()
        if loss == "changed":
            drawn_picture(1).save(lost)
        elif loss == "cut short":
            lost.write_bytes(data[: len(data) // 3])
        elif loss == "unreadable":
            lost.mkdir()

    embed(FolderRequest(str(tmp_path)))  # so that proofs have to read the files
    saboteur = Saboteur(lose)
    result = dedupe(tmp_path, progress=saboteur)
    assert saboteur.done
    assert by_path(result).keys() == {"small.png"}  # nothing proves what can't be read
    check_stars(result)


def test_interrupted_verification_keeps_what_it_found_and_ends_the_same(
    mixture: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.copytree(mixture, folder, ignore=shutil.ignore_patterns(".augnet*"))

    class Impatient(augnet_cli.Progress):
        stage = ""

        def start(self, stage: str, total: int | None, unit: str = "images") -> None:
            self.stage = stage

        def finish(self) -> None:
            if self.stage == "verifying":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        dedupe(folder, progress=Impatient())
    again, whole = dedupe(folder, stacks=True), dedupe(mixture, stacks=True)
    assert (again.groups, again.suspects) == (whole.groups, whole.suspects)


def test_a_threshold_bounds_candidates_and_proof_still_decides(mixture: Path) -> None:
    everything = by_path(dedupe(mixture))
    some = dedupe(mixture, threshold=0.02)
    check_stars(some)
    near = by_path(some)
    assert near.keys() < everything.keys() and {"words.png", "crop.jpg"}.isdisjoint(near)
    # At 0 nothing but bytes.
    assert by_path(dedupe(mixture, threshold=0.0)).keys() == {"china again.png"}
    assert some.threshold == 0.02 and some.threshold_from == "given"


def test_hard_links_and_links_stay_what_they_are(tmp_path: Path, photos: Photos) -> None:
    save(photos["china"], tmp_path / "a.png")
    os.link(tmp_path / "a.png", tmp_path / "b.png")
    os.symlink(tmp_path / "a.png", tmp_path / "c.png")
    result = dedupe(tmp_path)
    assert kept_of(result) == ["a.png"] and by_path(result)["b.png"].verdict == ("identical-bytes",)
    assert "c.png" not in by_path(result)
