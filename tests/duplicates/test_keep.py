"""Which image stays, the words that say why, and the rules as a user writes them."""

from __future__ import annotations

import os
import random
import re
import time
import unicodedata
from collections.abc import Iterator
from functools import cmp_to_key
from itertools import permutations
from pathlib import PurePosixPath

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from augnet_cli.duplicates.keep import (
    DEFAULT_RULES,
    DEFAULT_TEXT,
    Rule,
    folders_without_images,
    keep_order,
    keep_reason,
    parse_rules,
)
from augnet_cli.errors import UsageError
from augnet_cli.records import ImageRecord

# A busy machine is no failure.
calm = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

SECOND = 1_000_000_000
NOON = 1_556_712_000  # 2019-05-01T12:00:00 UTC
EVERY_RULE = "unedited, resolution, bytes, oldest, newest, format:png>jpg, folder:originals, shortest-path"


def image(
    path: str,
    width: int = 40,
    height: int = 30,
    size_bytes: int = 1000,
    mtime_s: float = 0,
    taken_at: str | None = None,
) -> ImageRecord:
    mtime_ns = int(mtime_s) * SECOND + int(mtime_s % 1 * SECOND)
    return ImageRecord(path, f"hash of {path}", width, height, size_bytes, mtime_ns, taken_at)


def best_first(rules: str, *images: ImageRecord) -> list[str]:
    return [images[position].path for position in keep_order(images, parse_rules(rules))]


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[pytest.MonkeyPatch]:
    """Sets TZ where a test asks for it, and takes it back."""
    if not hasattr(time, "tzset"):
        pytest.skip("the clock's zone can't be set here")
    yield monkeypatch
    monkeypatch.undo()
    time.tzset()


# The rules once more, pair by pair and slowly.


def slow_decision(
    one: tuple[ImageRecord, int], other: tuple[ImageRecord, int], rules: str
) -> tuple[int, str]:
    """(-1 where the first stays, 1 where the second, the rule that says so)."""
    for rule in (word.strip() for word in rules.split(",")):
        decision = slow_rule(rule, one, other)
        if decision:
            return decision, rule
    first, second = (os.fsencode(image.path) for image, _ in (one, other))
    return (first > second) - (first < second), "first path"


def slow_rule(rule: str, one: tuple[ImageRecord, int], other: tuple[ImageRecord, int]) -> int:
    (first, level), (second, other_level) = one, other
    name, _, value = rule.partition(":")
    if name == "unedited":
        return less_first(level, other_level)
    if name == "resolution":
        return -less_first(first.width * first.height, second.width * second.height)
    if name == "bytes":
        return -less_first(first.size_bytes, second.size_bytes)
    if name in ("oldest", "newest"):
        times = less_first(slow_time(first), slow_time(second))
        older = times or less_first(first.mtime_ns, second.mtime_ns)
        return older if name == "oldest" else -older
    if name == "format":
        wanted = value.split(">")
        return less_first(slow_place(first.path, wanted), slow_place(second.path, wanted))
    if name == "folder":
        return -less_first(slow_below(first.path, value), slow_below(second.path, value))
    assert name == "shortest-path"
    first_path, second_path = PurePosixPath(first.path), PurePosixPath(second.path)
    return (
        less_first(len(first_path.parts), len(second_path.parts))
        or less_first(len(first_path.name), len(second_path.name))
        or less_first(len(first.path), len(second.path))
    )


def less_first(one, other) -> int:
    return -1 if one < other else 1 if one > other else 0


def slow_time(image: ImageRecord) -> tuple[int, ...]:
    if image.taken_at:
        return tuple(int(number) for number in re.findall(r"\d+", image.taken_at))
    return tuple(time.localtime(image.mtime_ns // SECOND)[:6])


def slow_place(path: str, wanted: list[str]) -> int:
    same = {"jpeg": "jpg", "jpe": "jpg", "tiff": "tif", "heif": "heic"}
    suffix = PurePosixPath(path).suffix.lower()[1:]
    places = [same.get(one, one) for one in wanted]
    return places.index(same.get(suffix, suffix)) if same.get(suffix, suffix) in places else len(places)


def slow_below(path: str, folder: str) -> bool:
    path, folder = unicodedata.normalize("NFC", path), unicodedata.normalize("NFC", folder)
    above = [parent.as_posix() for parent in PurePosixPath(path).parents if parent.name]
    if "/" in folder:
        return PurePosixPath(folder).as_posix() in above
    return any(PurePosixPath(one).name == folder for one in above)


NAMES = ("x.jpg", "x (1).jpg", "X.JPEG", "y.png", "z.TIF", "z.tiff", "w.heic", "w.webp", "no suffix", ".jpg")
PARTS = ("originals", "2019", "best", "é", "e\u0301", "\udc80", "a b")
FOLDERS = ("originals", "2019/best", "./best", "best", "é", "2019")

images_and_levels = st.lists(
    st.tuples(
        st.builds(
            lambda folders, name, **facts: ImageRecord(
                "/".join([*folders, name]), "", facts.pop("width"), 30, **facts
            ),
            st.lists(st.sampled_from(PARTS), max_size=3),
            st.sampled_from(NAMES),
            width=st.integers(1, 2),
            size_bytes=st.integers(1, 2),
            mtime_ns=st.integers(-2, 2).map(lambda half: NOON * SECOND + half * SECOND // 2),
            taken_at=st.sampled_from(
                (None, None, "2019-05-01T12:00:00", "2019-05-01T12:00:01", "1999-12-31T23:59:59")
            ),
        ),
        st.integers(0, 2),
    ),
    min_size=1,
    max_size=6,
    unique_by=lambda pair: pair[0].path,
)


@st.composite
def rule_texts(draw: st.DrawFn) -> str:
    """Any rules in any order, several folders among them."""
    formats = st.permutations(("png", "jpeg", "tif", "heif", "webp")).flatmap(
        lambda words: st.integers(1, 5).map(lambda number: ">".join(words[:number]))
    )
    words = ["unedited", "resolution", "bytes", "oldest", "newest", "shortest-path"]
    words.append(f"format:{draw(formats)}")
    words += [f"folder:{folder}" for folder in draw(st.lists(st.sampled_from(FOLDERS), unique=True))]
    shuffled = draw(st.permutations(words))
    return draw(st.sampled_from((",", " , "))).join(shuffled[: draw(st.integers(1, len(shuffled)))])


@calm
@given(images_and_levels, rule_texts())
def test_the_first_rule_that_decides_between_two_images_wins(
    known: list[tuple[ImageRecord, int]], text: str
) -> None:
    images, levels = zip(*known, strict=True)

    order = keep_order(images, parse_rules(text), levels)

    expected = sorted(known, key=cmp_to_key(lambda one, other: slow_decision(one, other, text)[0]))
    assert [images[position] for position in order] == [image for image, _ in expected]


@calm
@given(images_and_levels, rule_texts())
def test_the_order_is_total_whatever_the_rules(known: list[tuple[ImageRecord, int]], text: str) -> None:
    """Of any two images one comes first, and of any three the order of pairs makes no ring."""
    rules = parse_rules(text)

    def first(one: int, other: int) -> bool:
        pair = [known[one], known[other]]
        return keep_order([image for image, _ in pair], rules, [level for _, level in pair]) == [0, 1]

    for one, other in permutations(range(len(known)), 2):
        assert first(one, other) != first(other, one)
    for one, other, third in permutations(range(len(known)), 3):
        assert not (first(one, other) and first(other, third)) or first(one, third)


@calm
@given(images_and_levels, rule_texts(), st.randoms(use_true_random=False))
def test_the_order_of_files_changes_nothing(
    known: list[tuple[ImageRecord, int]], text: str, random: random.Random
) -> None:
    rules = parse_rules(text)

    def paths(pairs: list[tuple[ImageRecord, int]]) -> list[str]:
        images, levels = zip(*pairs, strict=True)
        return [images[position].path for position in keep_order(images, rules, levels)]

    assert paths(random.sample(known, len(known))) == paths(known)


@calm
@given(images_and_levels.filter(lambda known: len(known) > 1), rule_texts())
def test_the_reason_is_the_rule_that_decided_against_the_next_best(
    known: list[tuple[ImageRecord, int]], text: str
) -> None:
    ordered = sorted(known, key=cmp_to_key(lambda one, other: slow_decision(one, other, text)[0]))
    (kept, level), *others = ordered
    shuffled = others[::-1]

    reason = keep_reason(
        kept, [image for image, _ in shuffled], parse_rules(text), [level, *(one for _, one in shuffled)]
    )

    starts = {
        "unedited": "less edited" if level else "unedited",
        "resolution": "most pixels",
        "bytes": "most bytes",
        "shortest-path": "shortest path",
    }
    decided = slow_decision(ordered[0], ordered[1], text)[1]
    assert reason.startswith(starts.get(decided, decided.partition(":")[0]))


# By default.


def test_default_order_is_pixels_then_bytes_then_the_shortest_path() -> None:
    images = [
        image("z.jpg", 1200, 900, 10),
        image("y.jpg", 900, 1200, 9),
        image("x.jpg", 800, 600, 345_678),
        image("a.jpg", 800, 600, 345_677),
        image("b.jpg", 800, 600, 345_677),
        image("a (1).jpg", 800, 600, 345_677),
        image("a/a.jpg", 800, 600, 345_677),
        image("0/a/a.jpg", 10, 10, 999_999_999),
    ]
    shuffled = random.Random(0).sample(images, len(images))

    assert [shuffled[position] for position in keep_order(shuffled)] == images


def test_default_rules_are_those_of_the_text() -> None:
    assert parse_rules(DEFAULT_TEXT) == DEFAULT_RULES
    assert [str(rule) for rule in DEFAULT_RULES] == ["unedited", "resolution", "bytes", "shortest-path"]


def test_an_edited_image_comes_after_its_source_however_large() -> None:
    framed, source, crop = image("framed.jpg", 4000, 3000), image("source.jpg", 2000, 1500), image("crop.jpg")

    assert keep_order([framed, source, crop], levels=[1, 0, 2]) == [1, 0, 2]
    assert keep_reason(source, [framed, crop], levels=[0, 1, 2]) == "unedited"
    assert keep_reason(framed, [crop], levels=[1, 2]) == "less edited"
    assert keep_order([framed, source, crop]) == [0, 1, 2]


def test_pixels_are_an_area_not_a_width() -> None:
    wide, tall = image("wide.jpg", 1000, 10), image("tall.jpg", 101, 100)

    assert keep_order([wide, tall]) == [1, 0]


def test_paths_compare_as_bytes_not_as_text() -> None:
    """The byte 0x80 comes before the bytes of any letter beyond ASCII; its surrogate escape comes after."""
    invalid, letter = image("\udc80.jpg"), image("é.jpg")
    assert invalid.path > letter.path

    assert keep_order([letter, invalid]) == [1, 0]


@pytest.mark.parametrize(
    ("kept", "others", "reason"),
    [
        (image("a", 1200, 900), [image("b", 640, 480)], "most pixels (1200 x 900)"),
        (image("b", 40, 30, 345_678), [image("a", 40, 30, 345_677)], "most bytes (345,678)"),
        (image("b"), [image("a (1)")], "shortest path"),
        (image("a"), [image("b")], "first path"),
        (image("a", 30, 40), [image("b", 40, 30)], "first path"),
    ],
)
def test_reason_names_the_rule_that_decided(
    kept: ImageRecord, others: list[ImageRecord], reason: str
) -> None:
    assert keep_reason(kept, others) == reason


def test_reason_is_what_decided_against_the_next_best() -> None:
    """Against the thumbnail the pixels decided, but the copy of equal size lost by its bytes."""
    kept = image("a.jpg", 1200, 900, 5000)
    others = [image("thumbnail.jpg", 120, 90, 90), image("recompressed.jpg", 1200, 900, 4000)]

    assert keep_reason(kept, others) == "most bytes (5,000)"
    assert keep_reason(kept, others[::-1]) == "most bytes (5,000)"


# oldest, newest


def test_age_is_that_of_the_picture_then_that_of_the_file() -> None:
    images = [
        image("first.jpg", taken_at="2001-01-01T00:00:00", mtime_s=NOON + 9),
        image("shot.jpg", taken_at="2019-05-01T10:00:00", mtime_s=NOON),
        image("its copy.jpg", taken_at="2019-05-01T10:00:00", mtime_s=NOON + 0.5),
        image("saved later.jpg", mtime_s=NOON + 40 * 86_400),
    ]
    paths = [one.path for one in images]

    assert best_first("oldest", *images[::-1]) == paths
    assert best_first("newest", *images) == paths[::-1]


def test_reason_of_age_shows_the_time_that_decided(zone: pytest.MonkeyPatch) -> None:
    zone.setenv("TZ", "UTC")
    time.tzset()
    shot = image("shot.jpg", taken_at="2018-02-03T04:05:06", mtime_s=NOON)
    again = image("again.jpg", taken_at="2018-02-03T04:05:06", mtime_s=NOON + 60)
    saved = image("saved.jpg", mtime_s=NOON)
    oldest, newest = parse_rules("oldest"), parse_rules("newest")

    assert keep_reason(shot, [saved], oldest) == "oldest (2018-02-03T04:05:06)"
    assert keep_reason(saved, [shot], newest) == "newest (2019-05-01T12:00:00)"
    assert keep_reason(shot, [again], oldest) == "oldest file (2019-05-01T12:00:00)"
    assert keep_reason(again, [shot], newest) == "newest file (2019-05-01T12:01:00)"


@pytest.mark.parametrize("name", ["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def test_a_copy_saved_minutes_after_the_shot_is_younger_in_every_zone(
    zone: pytest.MonkeyPatch, name: str
) -> None:
    """Cameras write the clock on the wall, so files count by the clock on the wall too."""
    zone.setenv("TZ", name)
    time.tzset()
    saved = time.mktime((2019, 5, 1, 10, 5, 0, 0, 0, -1))
    photo = image("photo.jpg", taken_at="2019-05-01T10:00:00", mtime_s=saved + 86_400)

    assert best_first("oldest", image("a.jpg", mtime_s=saved), photo) == ["photo.jpg", "a.jpg"]
    assert best_first("newest", image("a.jpg", mtime_s=saved - 600), photo) == ["photo.jpg", "a.jpg"]


@pytest.mark.parametrize("seconds", [-1, -(10**11), -(10**30), 10**12, 10**30])
def test_times_that_no_calendar_has_are_times_too(seconds: int) -> None:
    odd, now = image("odd.jpg", mtime_s=seconds), image("now.jpg", mtime_s=NOON)
    expected = ["odd.jpg", "now.jpg"] if seconds < NOON else ["now.jpg", "odd.jpg"]

    assert best_first("oldest", odd, now) == expected
    assert best_first("newest", odd, now) == expected[::-1]
    for rule, kept, other in (("oldest", odd, now), ("newest", now, odd)):
        pair = (kept, other) if seconds < NOON else (other, kept)
        assert re.fullmatch(rf"{rule} \(.*T.*\)", keep_reason(*pair[:1], pair[1:], parse_rules(rule)))


# format


def test_formats_come_in_the_order_named_the_others_after() -> None:
    images = [image("c.PNG"), image("b.jpe"), image("d.JPEG"), image("a.gif"), image("a.heic"), image("png")]

    assert best_first("format:png>jpg", *images[::-1]) == [
        "c.PNG", "b.jpe", "d.JPEG", "a.gif", "a.heic", "png",
    ]  # fmt: skip
    assert best_first("format:.HEIF > gif", *images)[:2] == ["a.heic", "a.gif"]


def test_reason_of_a_format_is_the_users_word_for_it() -> None:
    rules = parse_rules("format:png>jpg")

    assert keep_reason(image("b.JPEG"), [image("a.gif")], rules) == "format jpg"
    assert keep_reason(image("b.jpg"), [image("a.jpeg")], parse_rules("format:jpg,bytes")) == "first path"


# folder


@pytest.mark.parametrize(
    ("folder", "below", "not_below"),
    [
        ("originals", "originals/a.jpg", "a.jpg"),
        ("originals", "x/originals/y/a.jpg", "x/originals y/a.jpg"),
        ("originals", "originals/a.jpg", "x/originals"),
        ("originals/", "x/originals/a.jpg", "Originals/a.jpg"),
        ("2019/best", "2019/best/x/a.jpg", "2019/best of/a.jpg"),
        ("2019/best", "2019/best/a.jpg", "x/2019/best/a.jpg"),
        ("./originals", "originals/a.jpg", "backup/originals/a.jpg"),
        ("./2019//best/", "2019/best/a.jpg", "best/a.jpg"),
        ("é", "e\u0301/a.jpg", "e/a.jpg"),
        ("\udcff", "\udcff/a.jpg", "ÿ/a.jpg"),
    ],
)
def test_images_below_the_folder_come_first(folder: str, below: str, not_below: str) -> None:
    """A name stands for folders at any depth, a path for one folder, from FOLDER on."""
    large = image(not_below, 4000, 3000)

    assert best_first(f"folder:{folder},resolution", large, image(below)) == [below, not_below]


def test_of_several_folders_the_earlier_is_preferred() -> None:
    images = [image("b/x.jpg"), image("a/x.jpg"), image("b/a/x.jpg"), image("x.jpg")]

    order = best_first("folder:b,folder:a", *images)
    assert order == ["b/a/x.jpg", "b/x.jpg", "a/x.jpg", "x.jpg"]


def test_reason_of_a_folder_can_be_printed() -> None:
    rules = parse_rules("folder:a\nb,folder:originals")

    assert keep_reason(image("a\nb/x"), [image("x")], rules) == r"folder a\nb"
    assert keep_reason(image("originals/x"), [image("x")], rules) == "folder originals"


def test_folders_below_which_nothing_lies_are_found() -> None:
    rules = parse_rules("folder:a,resolution,folder:b/c,folder:d")

    assert folders_without_images(rules, [image("x/a/1.jpg"), image("b/1.jpg"), image("d")]) == ["b/c", "d"]


# shortest-path


@pytest.mark.parametrize(
    ("stays", "goes"),
    [
        ("x.jpg", "x (1).jpg"),
        ("x.jpg", "x copy.jpg"),
        ("x.jpg", "Copy of x.jpg"),
        ("long name.jpg", "b/x.jpg"),
        ("2019/x.jpg", "backup/2019/x.jpg"),
        ("a long holiday/x.jpg", "tmp/x (1).jpg"),
        ("tmp/x.jpg", "tmp 2/x.jpg"),
    ],
)
def test_the_shortest_path_is_that_of_the_original(stays: str, goes: str) -> None:
    assert best_first("shortest-path", image(goes), image(stays)) == [stays, goes]


# As a user writes them.


def test_all_rules_can_be_read() -> None:
    assert parse_rules(EVERY_RULE) == (
        *(Rule(name) for name in ("unedited", "resolution", "bytes", "oldest", "newest")),
        Rule("format", ("png", "jpg")),
        Rule("folder", ("originals",)),
        Rule("shortest-path"),
    )


@calm
@given(rule_texts())
def test_rules_say_themselves_as_they_can_be_read_again(text: str) -> None:
    rules = parse_rules(text)

    assert parse_rules(",".join(map(str, rules))) == rules


@pytest.mark.parametrize(
    ("text", "what", "hint"),
    [
        ("", "empty rule", "--keep unedited,"),
        ("   ", "empty rule", "--keep unedited,"),
        ("bytes,,oldest", "empty rule", "--keep unedited,"),
        ("bytes,", "empty rule", "--keep unedited,"),
        ("largest", "no rule largest", EVERY_RULE),
        ("Bytes", "no rule Bytes", "bytes"),
        (":png", "no rule :png", "bytes"),
        ("a\x1bb", r"no rule a\x1bb", "bytes"),
        ("bytes:9", "bytes takes no value", "write bytes alone"),
        ("oldest:", "oldest takes no value", "write oldest alone"),
        ("bytes,resolution,bytes", "bytes twice", "leave one of them out"),
        ("format:png,format:jpg", "names format:jpg, a second format", "'format:png>jpg"),
        ("folder:a,folder:b,folder:a/", "folder:a twice", "leave one of them out"),
        ("format", "needs suffixes", "'format:png>jpg"),
        ("format:", "needs suffixes", "'format:png>jpg"),
        ("format:png>", "needs suffixes", "'format:png>jpg"),
        ("format:png>>jpg", "needs suffixes", "'format:png>jpg"),
        ("format:pgn", "no image format has the suffix pgn", "'format:png>jpg"),
        ("format:png/jpg", "no image format has the suffix png/jpg", "'format:png>jpg"),
        ("format:jpg>png>JPEG", "jpeg, which is jpg again", "leave one of them out"),
        ("format:jpg>jpg", "jpg, twice", "leave one of them out"),
        ("folder", "needs the name of a folder", "folder:originals"),
        ("folder:", "needs the name of a folder", "folder:originals"),
        ("folder:.", "needs the name of a folder", "folder:originals"),
        ("folder:/", "needs the name of a folder", "folder:originals"),
        ("folder:/home/photos", "/home/photos is not a path from FOLDER on", "folder:originals"),
        ("folder:../photos", "../photos is not a path from FOLDER on", "folder:originals"),
    ],
)
def test_what_can_not_be_meant_is_refused_with_a_way_out(text: str, what: str, hint: str) -> None:
    with pytest.raises(UsageError) as refused:
        parse_rules(text)

    assert what in refused.value.what and hint in refused.value.hint
    assert refused.value.what.isprintable() and refused.value.hint.isprintable()
