"""What EXIF says of a picture: which way up, when and with what it was taken. Broken EXIF says nothing."""

from __future__ import annotations

from datetime import datetime

from PIL import Image

_ORIENTATION, _EXIF_IFD, _DATE_TIME_ORIGINAL, _SUBSEC_TIME_ORIGINAL = 0x0112, 0x8769, 0x9003, 0x9291
_MAKE, _MODEL = 0x010F, 0x0110
UPRIGHT = 1
FINER = "."  # between seconds and milliseconds
CAMERA_LENGTH = 60  # characters; no camera has a longer name, and a broken block may hold pages
# How the stored picture becomes the upright one (EXIF 2.32, tag 274).
_TURNS = {
    2: Image.Transpose.FLIP_LEFT_RIGHT,
    3: Image.Transpose.ROTATE_180,
    4: Image.Transpose.FLIP_TOP_BOTTOM,
    5: Image.Transpose.TRANSPOSE,
    6: Image.Transpose.ROTATE_270,
    7: Image.Transpose.TRANSVERSE,
    8: Image.Transpose.ROTATE_90,
}
_SIDEWAYS = (5, 6, 7, 8)


def read_exif(image: Image.Image) -> tuple[int, str | None]:
    """(orientation 1..8, taken-at `YYYY-MM-DDTHH:MM:SS` or None) of a loaded image.

    With milliseconds, `YYYY-MM-DDTHH:MM:SS.mmm`, where the camera wrote parts of a second.
    """
    try:
        exif = image.getexif()
        orientation = exif.get(_ORIENTATION, UPRIGHT)
    except Exception:  # noqa: BLE001 - the picture is good whatever its notes are; parsers raise anything
        return UPRIGHT, None
    if not isinstance(orientation, int) or orientation not in _TURNS:
        orientation = UPRIGHT
    try:
        tags = exif.get_ifd(_EXIF_IFD)
        taken, part = tags.get(_DATE_TIME_ORIGINAL), tags.get(_SUBSEC_TIME_ORIGINAL)
    except Exception:  # noqa: BLE001 - as above
        return orientation, None
    return orientation, _as_time(taken, part)


def is_another_moment(one: str | None, other: str | None) -> bool:
    """Whether two times of `read_exif` are known and differ; milliseconds count where both have them."""
    if one is None or other is None:
        return False
    both_fine = FINER in one and FINER in other
    return one != other if both_fine else one.split(FINER)[0] != other.split(FINER)[0]


def read_camera(image: Image.Image) -> str | None:
    """Maker and model of a loaded image's camera on one line, the maker once: `Canon EOS 5D`; or None."""
    try:
        exif = image.getexif()
        make, model = (_as_words(exif.get(tag)) for tag in (_MAKE, _MODEL))
    except Exception:  # noqa: BLE001 - as above
        return None
    if make and model.lower().startswith(make.split()[0].lower()):
        make = ""
    return " ".join(f"{make} {model}".split())[:CAMERA_LENGTH].strip() or None


def is_sideways(orientation: int) -> bool:
    """Whether turning upright swaps width and height."""
    return orientation in _SIDEWAYS


def turned(image: Image.Image, orientation: int) -> Image.Image:
    """The picture upright."""
    return image if orientation == UPRIGHT else image.transpose(_TURNS[orientation])


def _as_time(value: object, part: object = None) -> str | None:
    """`part` are the decimal digits after the second, as many as the camera knows."""
    text, digits = _as_ascii(value), _as_ascii(part)
    try:
        moment = datetime.strptime(text[:19], "%Y:%m:%d %H:%M:%S")
    except ValueError:  # cameras without a clock write 0000:00:00 or blanks
        return None
    fraction = FINER + digits[:3].ljust(3, "0") if digits.isascii() and digits.isdigit() else ""
    return moment.isoformat() + fraction


def _as_ascii(value: object) -> str:
    """The text of a tag; "" for what is none."""
    if isinstance(value, bytes):
        value = value.decode("ascii", "replace")
    return value.strip(" \x00") if isinstance(value, str) else ""


def _as_words(value: object) -> str:
    """Printable characters alone, a blank for any other; "" for what is no text."""
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    return "".join(letter if letter.isprintable() else " " for letter in value).strip()
