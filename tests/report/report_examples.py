"""Small results that the report tests print, and names that try to do harm."""

from __future__ import annotations

import os
from dataclasses import replace

from augnet_cli.records import Group, Kept, Redundant, Skip, Transform
from augnet_cli.results import (
    Answer,
    CalibrationResult,
    Cluster,
    ClusterResult,
    CurvePoint,
    DedupeResult,
    EmbedResult,
    Hit,
    Leak,
    LeaksResult,
    QueryResult,
    Split,
    Stack,
    Suspect,
)

# Bytes of file names that a Linux folder may hold.
WEIRD_NAMES = (
    b"[red]a[/red].jpg",
    b"\x1b[2J\x1b]0;owned\x07.jpg",
    b"two\nlines.jpg",
    b"carriage\rreturn.jpg",
    b"tab\tbell\x07del\x7f.jpg",
    b"\"double\" 'single' `back`.jpg",
    "emoji 😀 and ümlaut.jpg".encode(),
    "right\u202eto left.jpg".encode(),
    "c1 \u009b31m and line\u2028separator.jpg".encode(),
    b"invalid \xff\xfe utf-8.jpg",
    "emoji 😀".encode() + b"\xb8 then half of one.jpg",
    b"\xed\xa0\xbd\xed\xb8\x80 surrogates in utf-8.jpg",
    b"-rf",
    b"--out=x",
    b"=1+1,and,commas",
    b"+1",
    b"@cell",
    b" leading and trailing ",
    b"back\\slash.jpg",
    b"folder/inside \xe9.jpg",
    b"%s {0} $HOME *",
)
WEIRD_PATHS = tuple(os.fsdecode(name) for name in WEIRD_NAMES)

DEDUPE = DedupeResult(
    folder="/home/ann/photos",
    typed_folder="photos",
    encoder="abc123",
    threshold=0.2,
    images=1234,
    groups=(
        Group(
            Kept("beach.jpg", "most pixels (4000 x 3000)"),
            (
                Redundant("copies/beach.jpg", 0.0, "beach.jpg", True, ("identical-bytes",)),
                Redundant("beach, small.jpg", 0.0312345678, "beach.jpg", False, ("near",)),
            ),
        ),
        Group(
            Kept("cat.png", "first path"),
            (Redundant("cat (1).png", 0.2, "cat.png", False, ("near",)),),
        ),
    ),
    skipped=(
        Skip("broken/a.jpg", "truncated JPEG"),
        Skip("broken/b.jpg", "truncated JPEG"),
        Skip("c.heic", "no HEIF"),
    ),
    redundant_bytes=4_200_000,
)

SENT = Transform((0, -2, 980, 2, 0, 40), (120, 40, 980, 700), 90.0, False, 0.0)
CAPTIONED = Transform((1, 0, 0, 0, 1, 0), (0, 0, 1000, 700), 0.0, False, 0.121)
BLURRED = Transform((1, 0, 0, 0, 1, 0), (0, 0, 1000, 700), 0.0, False, 0.0)
ASKEW = Transform((-0.99, 0.13, 1000, 0.13, 0.99, 0), (0, 0, 1000, 700), -7.46, True, 0.0)
FAR_DOWN = "a long name of a folder/and another long name of a folder/askew.jpg"
VERIFIED = replace(
    DEDUPE,
    threshold=None,
    threshold_from="auto",
    verified=True,
    skipped=(),
    groups=(
        Group(
            Kept("beach.jpg", "unedited"),
            (
                Redundant("beach (1).jpg", 0.0, "beach.jpg", True, ("identical-bytes",)),
                Redundant("sent.jpg", 0.01, "beach.jpg", True, ("resized", "cropped", "rotated"), SENT),
                Redundant("captioned.jpg", 0.06, "beach.jpg", True, ("edited",), CAPTIONED),
                Redundant("blurred.jpg", 0.1, "beach.jpg", True, ("edited",), BLURRED),
                Redundant(
                    FAR_DOWN,
                    0.25,
                    "beach.jpg",
                    True,
                    ("bordered", "rotated", "mirrored", "recoloured"),
                    ASKEW,
                ),
                Redundant("unlike.jpg", 0.6, "beach.jpg", True, ("decided",)),
            ),
        ),
    ),
    suspects=(
        Suspect("right.jpg", "left.jpg", 0.4, ("partial", "cropped", "bordered"), BLURRED),
        Suspect("fog 1.jpg", "fog 2.jpg", 0.01, ("unverified",)),
    ),
    stacks=(Stack(("burst/1.jpg", "burst/2.jpg")),),
)

NO_DUPLICATES = DedupeResult("/home/ann/photos", "photos", "abc123", 0.2, 12, (), ())

LEAKS = LeaksResult(
    folder="/home/ann/data",
    encoder="abc123",
    threshold=0.2,
    threshold_from="given",
    splits=(
        Split("train", "/home/ann/data/train", "data/train", 900, 1),
        Split("test", "/home/ann/data/test", "data/test", 100, 1),
    ),
    leaks=(Leak("train/a.jpg", "train", "test/b.jpg", "test", 0.0312, False, ("near",)),),
    unverified=(),
    skipped=(),
    verified=False,
    labelled=False,
)

QUERY = QueryResult(
    folder="/home/ann/photos",
    typed_folder="photos",
    encoder="abc123",
    answers=(
        Answer(
            ("../new photo.jpg",),
            (Hit("beach.jpg", 0.0), Hit("copies/beach.jpg", 0.00000123), Hit("cat.png", 0.9876543)),
        ),
    ),
)

CLUSTER = ClusterResult(
    folder="/home/ann/photos",
    typed_folder="photos",
    encoder="abc123",
    clusters=(
        Cluster(0, 3, ("b.jpg", "a.jpg"), ("a.jpg", "b.jpg", "c, d.jpg")),
        Cluster(1, 1, ("z.jpg",), ("z.jpg",)),
    ),
    skipped=(Skip("c.heic", "no HEIF"),),
)

CALIBRATION = CalibrationResult(
    folder="/home/ann/photos",
    typed_folder="photos",
    encoder="abc123",
    contents=1234,
    altered=128,
    precision=0.99,
    threshold=0.0215,
    threshold_from="calibrated",
    curve=(
        CurvePoint(0.0001, 1.0, 0.0001, 0.9999, 0.2, 1.0, 0.05, {"crop_50": 0.0, "blur": 0.1}),
        CurvePoint(0.0215, 40.0, 0.36, 0.991, 0.95, 0.999, 0.55, {"crop_50": 0.1, "blur": 1.0}),
        CurvePoint(0.1, 1500.4, 600.25, 0.599947, 0.4, 0.7, 0.75, {"crop_50": 0.5, "blur": 1.0}),
        CurvePoint(0.3, 1234.0, 9999.0, 0.0, 0.0, 0.01, 1.0, {"crop_50": 1.0, "blur": 1.0}),
    ),
    skipped=(Skip("c.heic", "no HEIF"),),
)

UNCALIBRATED = CalibrationResult(
    "/home/ann/photos", "photos", "abc123", 12, 0, 0.9, 0.0115, "card", (), (), "too few"
)

EMBED = EmbedResult(
    folder="/home/ann/photos",
    typed_folder="photos",
    encoder="abc123",
    images=1234,
    embedded=34,
    known=1200,
    removed=1,
    others=2,
    skipped=(Skip("c.heic", "no HEIF"),),
    seconds=12.34,
)


def with_hits(*hits: Hit, **changes: object) -> QueryResult:
    """The example with other hits in its only answer."""
    return replace(QUERY, answers=(replace(QUERY.answers[0], hits=hits),), **changes)


def weird_dedupe() -> DedupeResult:
    """Each weird name once as kept, redundant, witness and skip; the decoder's words are as bad."""
    groups = tuple(
        Group(
            Kept(name, "first path"), (Redundant(f"copy of {name}", 0.1, f"other {name}", False, ("near",)),)
        )
        for name in WEIRD_PATHS
    )
    skipped = tuple(Skip(name, f"can't decode {name}") for name in WEIRD_PATHS)
    return DedupeResult(WEIRD_PATHS[1], WEIRD_PATHS[1], "abc123", 0.2, 99, groups, skipped)


def weird_query() -> QueryResult:
    hits = tuple(Hit(name, 0.5) for name in WEIRD_PATHS)
    return QueryResult("/photos", ".", "abc123", (Answer((WEIRD_PATHS[1],), hits),))


def weird_cluster() -> ClusterResult:
    cluster = Cluster(0, len(WEIRD_PATHS), WEIRD_PATHS, WEIRD_PATHS)
    return ClusterResult("/photos", ".", "abc123", (cluster,), ())
