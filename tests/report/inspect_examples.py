"""A small result of `inspect`, with names that try to do harm."""

from __future__ import annotations

from augnet_cli.records import Skip
from augnet_cli.results import Extremes, InspectedImage, InspectResult, Measures, Near
from augnet_cli.results.inspect import FLAGS

MEASURES = Measures(
    grey_p1=0.0039,
    grey_p5=0.1,
    grey_p50=0.5,
    grey_p95=0.9,
    colour=0.3,
    detail=1.0,
    blur=0.00001,
    smear=None,
    scale=2,
)


def picture(
    path: str, *flags: str, size: tuple[int, int] = (4000, 3000), **changes: object
) -> InspectedImage:
    facts: dict[str, object] = {
        "taken_at": None, "format": "JPEG", "camera": None, "measures": MEASURES, "size_bytes": 1000
    }  # fmt: skip
    return InspectedImage(path, *size, flags=flags, **(facts | changes))  # type: ignore[arg-type]


def result(*images: InspectedImage, only: tuple[str, ...] = (), **changes: object) -> InspectResult:
    ordered = sorted(images, key=lambda image: image.pixels)
    extremes = Extremes(ordered[0], ordered[(len(ordered) - 1) // 2], ordered[-1]) if ordered else None
    facts: dict[str, object] = {
        "total_bytes": 4_200_000,
        "formats": (("JPEG", 1203), ("PNG", 14), ("WebP", 2), ("GIF", 1), ("BMP", 1), ("TIFF", 1)),
        "cameras": (),
        "folders": (("", 7), ("trip/day one", 2)),
        "by_pixels": extremes,
        "by_bytes": extremes,
        "first_taken": None,
        "last_taken": None,
        "dated": 0,
        "identical_groups": 0,
        "identical_files": 0,
        "identical_bytes": 0,
        "near": Near(0.15, 12, 20),
        "others": 3,
        "skipped": (Skip("cut.jpg", "JPEG cut short"),),
    } | changes
    return InspectResult(
        folder="/home/ann/photos",
        typed_folder="photos",
        encoder="abc",
        images=tuple(image for image in images if not only or set(image.flags) & set(only)),
        total=len(images),
        counts={flag: sum(flag in image.flags for image in images) for flag in FLAGS},
        only=only,
        **facts,  # type: ignore[arg-type]
    )
