"""A folder of drawn pictures, copies of them with known transforms and harmful names, and its result."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from conftest import drawn_picture
from PIL import Image, ImageOps

from augnet_cli.records import Group, Kept, Redundant, Skip, Transform
from augnet_cli.results import DedupeResult, Stack, Suspect

WIDTH, HEIGHT = 480, 360
IMAGE_TAG = '"><img src=x onerror=alert(1)>.jpg'
SCRIPT_TAG = "a<" + "/script><script>alert(2)<" + "/script>.jpg"  # folders may be named so
BROKEN_LINE = "two\nlines & more.jpg"
NO_UTF8 = os.fsdecode(b"caf\xe9 \xff.jpg")
BACKWARDS = "right\u202eto left.jpg"

CROP = Transform((1, 0, 120, 0, 1, 60), (120, 60, 440, 300), 0.0, False, 0.0)
# Turned left: its upper edge is the witness's right one.
TURN = Transform((0, -1, WIDTH, 1, 0, 0), (0, 0, WIDTH, HEIGHT), 90.0, False, 0.0)
MIRROR = Transform((-2, 0, WIDTH, 0, 2, 0), (0, 0, WIDTH, HEIGHT), 0.0, True, 0.0)
BORDER = Transform((1, 0, -40, 0, 1, -40), (0, 0, WIDTH, HEIGHT), 0.0, False, 0.0)
# The middle of it mirrored, then turned right, then made half as large: x grows downwards in the witness.
ALL_WORDS = ("resized", "cropped", "rotated", "mirrored")
ALL_AT_ONCE = Transform((0, -2, 420, -2, 0, 315), (60, 45, 420, 315), -90.0, True, 0.0)
# The left and the right three quarters of one picture.
PARTS = Transform((1, 0, 120, 0, 1, 0), (120, 0, 360, HEIGHT), 0.0, False, 0.0)


def make_folder(folder: Path) -> DedupeResult:
    """Write the pictures; the result tells what was done to them."""

    def put(path: str, image: Image.Image) -> None:
        file = os.path.join(folder, path)
        os.makedirs(os.path.dirname(file), exist_ok=True)
        # PNG inside, whatever the name says: exact pixels to compare.
        image.save(file, "PNG")

    first, second, third = (drawn_picture(seed, WIDTH, HEIGHT) for seed in (1, 2, 3))
    put("first/kept.png", first)
    put("first/crop.png", first.crop((120, 60, 440, 300)))
    put("first/turn.png", first.transpose(Image.Transpose.ROTATE_90))
    put(IMAGE_TAG, ImageOps.mirror(first.resize((WIDTH // 2, HEIGHT // 2))))
    put("border.png", ImageOps.expand(first, 40, "white"))
    middle = ImageOps.mirror(first.crop((60, 45, 420, 315))).transpose(Image.Transpose.ROTATE_270)
    put("all.png", middle.resize((135, 180)))
    put("part/left.png", first.crop((0, 0, 360, HEIGHT)))
    put("part/right.png", first.crop((120, 0, WIDTH, HEIGHT)))
    put(SCRIPT_TAG, second)
    shutil.copyfile(os.path.join(folder, SCRIPT_TAG), os.path.join(folder, BROKEN_LINE))
    put(NO_UTF8, third)
    put(BACKWARDS, third.convert("L"))
    (folder / "cut short.png").write_bytes((folder / "first/kept.png").read_bytes()[:2000])
    for number in range(4):
        put(f"burst/{number}.png", drawn_picture(10 + number))

    copies = (
        Redundant("first/crop.png", 0.11, "first/kept.png", True, ("cropped", "re-encoded"), CROP),
        Redundant("first/turn.png", 0.12, "first/kept.png", True, ("rotated",), TURN),
        Redundant(IMAGE_TAG, 0.13, "first/kept.png", True, ("resized", "mirrored"), MIRROR),
        Redundant("border.png", 0.3, "first/kept.png", True, ("bordered",), BORDER),
        Redundant("all.png", 0.31, "first/kept.png", True, ALL_WORDS, ALL_AT_ONCE),
    )
    groups = (
        Group(Kept("first/kept.png", "unedited"), copies),
        Group(
            Kept(SCRIPT_TAG, "first path"),
            (Redundant(BROKEN_LINE, 0.0, SCRIPT_TAG, True, ("identical-bytes",)),),
        ),
        Group(
            Kept(NO_UTF8, "most pixels"),
            (
                Redundant(BACKWARDS, 0.2, NO_UTF8, False, ("near",)),
                Redundant("cut short.png", 0.01, NO_UTF8, False, ("near",)),
            ),
        ),
    )
    return DedupeResult(
        folder=str(folder),
        typed_folder="photos",
        encoder="abc123",
        threshold=0.2,
        images=17,
        groups=groups,
        skipped=(Skip("<b>old</b>.tif", "can't decode <i>this</i>"),),
        redundant_bytes=1_234_567,
        suspects=(
            Suspect("burst/0.png", "burst/1.png", 0.25, ("unverified",)),
            Suspect("part/right.png", "part/left.png", 0.4, ("partial", "cropped", "bordered"), PARTS),
        ),
        stacks=(Stack(("burst/2.png", "burst/3.png")),),
    )
