"""What `inspect` found: of what a folder of images is made, and which of its pictures look wrong."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from augnet_cli.records import Skip

# The words for a picture.  GREY says nothing bad of it, so it does not count as something found.
DARK, BRIGHT, BLURRED, LOW_INFORMATION = "dark", "bright", "blurred", "low-information"
ODD_ASPECT, ODD_SIZE, GREY = "odd-aspect", "odd-size", "grey"
FLAGS = (DARK, BRIGHT, BLURRED, LOW_INFORMATION, ODD_ASPECT, ODD_SIZE, GREY)
HARMLESS = frozenset((GREY,))


@dataclass(frozen=True, slots=True)
class Measures:
    """What was measured of a picture's pixels.

    Attributes:
        grey_p1, grey_p5, grey_p50, grey_p95: grey levels in [0, 1] that 1 %, 5 %, half and 95 % of the pixels
            do not exceed.
        colour: how far apart red, green and blue lie in the more colourful pixels, in [0, 1].
        detail: share of its parts in which something can be seen, in [0, 1].
        blur: deviation of the Gaussian that its sharper parts look blurred by, in pixels of a screen on which
            all of it is shown; None where it shows too little to tell.
        smear: the same along the direction in which it is largest; None where it shows too little.
        scale: sides of the file's pixels on the side of such a screen's pixel, at least 1.
    """

    grey_p1: float
    grey_p5: float
    grey_p50: float
    grey_p95: float
    colour: float
    detail: float
    blur: float | None
    smear: float | None
    scale: float


@dataclass(frozen=True, slots=True)
class InspectedImage:
    """One image file.

    `format` is that of its bytes, such as `JPEG`; `camera` and `taken_at` are EXIF's, or None;
    `measures` are None, and `format` is "", where it could not be read again.
    """

    path: str
    width: int
    height: int
    size_bytes: int
    taken_at: str | None
    format: str
    camera: str | None
    measures: Measures | None
    flags: tuple[str, ...]

    @property
    def pixels(self) -> int:
        return self.width * self.height


@dataclass(frozen=True, slots=True)
class Extremes:
    """The smallest, the middle and the largest of the images by one number, with a path each."""

    smallest: InspectedImage
    median: InspectedImage
    largest: InspectedImage


@dataclass(frozen=True, slots=True)
class Near:
    """How many different contents have another one so near that, by distance, it is the same picture."""

    threshold: float
    pairs: int
    contents: int


@dataclass(frozen=True)
class InspectResult:
    """Of what a folder is made.

    Attributes:
        images: in order of path; all of them, or with `only` those that have one of these flags.
        total: how many images there are.
        total_bytes: of all of them.
        counts: how many of them have each flag, in the order of FLAGS.
        formats, cameras, folders: names and counts, commonest first; the folder itself is "".
        by_pixels, by_bytes: None where there is no image.
        first_taken, last_taken: the image taken first and last by its camera's clock; None where none says.
        dated: how many images say when they were taken.
        identical_groups, identical_files: contents that several files hold, and those files.
        identical_bytes: what all but one of each take.
        near: None where the comparison was not made.
        unread: images that could not be read again to be looked at.
    """

    folder: str
    typed_folder: str
    encoder: str
    images: tuple[InspectedImage, ...]
    total: int
    total_bytes: int
    counts: dict[str, int]
    formats: tuple[tuple[str, int], ...]
    cameras: tuple[tuple[str, int], ...]
    folders: tuple[tuple[str, int], ...]
    by_pixels: Extremes | None
    by_bytes: Extremes | None
    first_taken: InspectedImage | None
    last_taken: InspectedImage | None
    dated: int
    identical_groups: int
    identical_files: int
    identical_bytes: int
    near: Near | None
    others: int
    skipped: tuple[Skip, ...]
    unread: tuple[Skip, ...] = ()
    only: tuple[str, ...] = ()

    @property
    def flagged(self) -> Iterator[InspectedImage]:
        """The images with something to say against them, or with one of the flags asked for."""
        wanted = frozenset(self.only) or frozenset(FLAGS) - HARMLESS
        return (image for image in self.images if wanted.intersection(image.flags))


def commonest(names: Counter[str]) -> tuple[tuple[str, int], ...]:
    """Names and counts, the commonest first, equal ones by name."""
    return tuple(sorted(names.items(), key=lambda item: (-item[1], item[0])))
