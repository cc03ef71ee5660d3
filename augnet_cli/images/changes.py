"""Everyday changes that people make to pictures, by name: what a copy has been through.

They judge encoders and calibrate distances, so they are written from what people do and share nothing
with the views that encoders are trained on.  Pillow and numpy alone; sizes follow the image's own.
What is measured on the result is `training.judge`'s and `duplicates.calibrate`'s.
"""

from __future__ import annotations

import functools
import io
import math
from collections.abc import Callable

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageFilter, ImageFont, ImageOps

Change = Callable[[Image.Image, np.random.Generator], Image.Image]
Colour = tuple[int, int, int]
Point = tuple[float, float]

ASPECT_JITTER = 0.2  # log of how much a crop's shape differs from the picture's
JPEG_QUALITY = 10  # what a picture looks like after messengers and years
THUMBNAIL_SCALE = 0.25
BLUR_RADII = (0.008, 0.02)  # of the short side: soft to out of focus
NOISE_DEVIATIONS = (12.0, 30.0)  # of 255: a phone at dusk to at night
BRIGHTER, DARKER = (1.3, 1.7), (0.5, 0.75)
MORE_CONTRAST, LESS_CONTRAST = (1.4, 2.0), (0.4, 0.7)
HUE_TURNS = (0.06, 0.2)  # of the colour circle, either way
TILT_DEGREES = (2.0, 8.0)
BORDER_WIDTHS = (0.05, 0.2)  # of the short side
PAGE_SCALES = (0.45, 0.75)  # side of the picture on the page
CAPTION_HEIGHTS = (0.12, 0.22)  # of the picture's height
STICKER_SIZES = (0.25, 0.45)  # of the short side
SQUEEZES = (0.65, 0.85)  # one side, the other stays
MIN_FONT, MAX_FONT = 6, 200  # pixels: below no letter is legible, above memory goes to glyphs
WORDS = (
    "when",
    "you",
    "see",
    "it",
    "the",
    "same",
    "again",
    "monday",
    "morning",
    "best",
    "day",
    "ever",
    "summer",
)


def altered(image: np.ndarray, kind: str, rng: np.random.Generator) -> np.ndarray:
    """Change one picture as a named kind says.

    Args:
        image: (h, w, 3) uint8, any size from 1 x 1; not changed.
        kind: a key of `CHANGES`; another is a KeyError.
        rng: chooses strength, place and colours.

    Returns:
        (h', w', 3) uint8, of its own size.
    """
    changed = CHANGES[kind](Image.fromarray(image), rng)
    return np.array(changed.convert("RGB"))


def _crop(image: Image.Image, rng: np.random.Generator, share: float) -> Image.Image:
    """Keep `share` of the area, somewhere."""
    width, height = image.size
    shape = math.exp(rng.uniform(-ASPECT_JITTER, ASPECT_JITTER))
    # Neither side may be longer than the picture's: the other then gives the area.
    across = max(share, min(1.0, math.sqrt(share * shape)))
    kept_width, kept_height = _length(width * across), _length(height * share / across)
    left = int(rng.integers(width - kept_width + 1))
    top = int(rng.integers(height - kept_height + 1))
    return image.crop((left, top, left + kept_width, top + kept_height))


def _jpeg(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=JPEG_QUALITY)
    return Image.open(file).convert("RGB")


def _thumbnail(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = image.size
    size = (_length(width * THUMBNAIL_SCALE), _length(height * THUMBNAIL_SCALE))
    return image.resize(size, Image.Resampling.LANCZOS)


def _blur(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.filter(ImageFilter.GaussianBlur(rng.uniform(*BLUR_RADII) * min(image.size)))


def _noise(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    pixels = np.asarray(image, np.float32)
    grain = rng.standard_normal(pixels.shape, np.float32) * rng.uniform(*NOISE_DEVIATIONS)
    return Image.fromarray(np.clip(pixels + grain, 0, 255).astype(np.uint8))


def _grey(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return image.convert("L").convert("RGB")


def _brightness(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageEnhance.Brightness(image).enhance(rng.uniform(*(BRIGHTER if rng.random() < 0.5 else DARKER)))


def _contrast(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    much = MORE_CONTRAST if rng.random() < 0.5 else LESS_CONTRAST
    return ImageEnhance.Contrast(image).enhance(rng.uniform(*much))


def _hue(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    turn = round(256 * rng.uniform(*HUE_TURNS)) * (1 if rng.random() < 0.5 else -1)
    hue, saturation, value = image.convert("HSV").split()
    hue = hue.point([(level + turn) % 256 for level in range(256)])
    return Image.merge("HSV", (hue, saturation, value)).convert("RGB")


def _mirror(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    return ImageOps.mirror(image)


def _quarter_turn(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    turns = (Image.Transpose.ROTATE_90, Image.Transpose.ROTATE_180, Image.Transpose.ROTATE_270)
    return image.transpose(turns[int(rng.integers(len(turns)))])


def _tilt(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Turned a little, the corners filled with one colour."""
    degrees = rng.uniform(*TILT_DEGREES) * (1 if rng.random() < 0.5 else -1)
    return image.rotate(degrees, Image.Resampling.BICUBIC, fillcolor=_paper(rng))


def _border(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A frame all round, or bars on two sides as a letterbox has."""
    around = _length(rng.uniform(*BORDER_WIDTHS) * min(image.size))
    sides = ((around, around), (around, 0), (0, around))[int(rng.integers(3))]
    return ImageOps.expand(image, sides, fill=_paper(rng))


def _page(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """The picture on a light page, lines of text above and below, as a screenshot or a scan shows it."""
    width, height = image.size
    scale = rng.uniform(*PAGE_SCALES)
    page_width = max(_length(width / scale), width + 2)
    page_height = max(_length(height / scale), height + 2)
    page = Image.new("RGB", (page_width, page_height), (int(rng.integers(235, 256)),) * 3)
    left = int(rng.integers(1, page_width - width))
    top = int(rng.integers(1, page_height - height))
    draw = ImageDraw.Draw(page)
    step = max(4, page_height // 24)
    font, ink = _font(step * 0.6), (int(rng.integers(0, 90)),) * 3
    for line in range(step, page_height - step, step):
        if not top - step <= line < top + height:
            draw.text((page_width * 0.06, line), _sentence(rng, 12), fill=ink, font=font)
    page.paste(image, (left, top))
    return page


def _caption(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A bar with a line of text, over the picture or added to it, above or below."""
    width, height = image.size
    bar = _length(height * rng.uniform(*CAPTION_HEIGHTS))
    dark = rng.random() < 0.5
    paper, ink = ((0, 0, 0), (255, 255, 255)) if dark else ((255, 255, 255), (0, 0, 0))
    below, added = rng.random() < 0.6, rng.random() < 0.5
    result = Image.new("RGB", (width, height + bar if added else height), paper)
    result.paste(image, (0, bar if added and not below else 0))
    top = result.height - bar if below else 0
    draw = ImageDraw.Draw(result)
    draw.rectangle((0, top, width, top + bar), fill=paper)
    words = _sentence(rng, 4)
    font = _font(min(bar * 0.7, 1.8 * width / len(words)))
    draw.text((width / 2, top + bar / 2), words, fill=ink, font=font, anchor="mm")
    return result


def _sticker(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """A smiling face, a star or a box, somewhere on the picture."""
    result = image.copy()
    side = rng.uniform(*STICKER_SIZES) * min(image.size)
    left, top = rng.uniform(0, image.width - side), rng.uniform(0, image.height - side)
    draw = ImageDraw.Draw(result)
    (_smile, _star, _box)[int(rng.integers(3))](draw, (left, top), side, rng)
    return result


def _smile(draw: ImageDraw.ImageDraw, corner: Point, side: float, rng: np.random.Generator) -> None:
    left, top = corner
    draw.ellipse((left, top, left + side, top + side), fill=(255, 205, 50), outline=(150, 100, 0))
    for eye in (0.3, 0.62):
        draw.ellipse(_within(corner, side, (eye, 0.28, eye + 0.1, 0.44)), fill=(60, 40, 0))
    draw.arc(
        _within(corner, side, (0.22, 0.3, 0.78, 0.8)), 20, 160, fill=(60, 40, 0), width=_length(side / 16)
    )


def _star(draw: ImageDraw.ImageDraw, corner: Point, side: float, rng: np.random.Generator) -> None:
    centre = (corner[0] + side / 2, corner[1] + side / 2)
    radii = (side / 2, side / 5)
    points = [
        (
            centre[0] + radii[point % 2] * math.sin(point * math.pi / 5),
            centre[1] - radii[point % 2] * math.cos(point * math.pi / 5),
        )
        for point in range(10)
    ]
    draw.polygon(points, fill=_bright(rng))


def _box(draw: ImageDraw.ImageDraw, corner: Point, side: float, rng: np.random.Generator) -> None:
    draw.rectangle(_within(corner, side, (0, 0.25, 1, 0.75)), fill=_bright(rng))
    draw.text(
        (corner[0] + side / 2, corner[1] + side / 2),
        _sentence(rng, 1).upper(),
        fill=(255, 255, 255),
        font=_font(side / 4),
        anchor="mm",
    )


def _squeeze(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    width, height = image.size
    scale = rng.uniform(*SQUEEZES)
    size = (_length(width * scale), height) if rng.random() < 0.5 else (width, _length(height * scale))
    return image.resize(size, Image.Resampling.BILINEAR)


def _length(pixels: float) -> int:
    return max(1, round(pixels))


def _within(corner: Point, side: float, box: tuple[float, float, float, float]) -> tuple[float, ...]:
    left, top = corner
    return (left + box[0] * side, top + box[1] * side, left + box[2] * side, top + box[3] * side)


def _paper(rng: np.random.Generator) -> Colour:
    """White or black mostly, else any colour: what editors fill with."""
    kind = rng.random()
    if kind < 0.4:
        return (255, 255, 255)
    return (0, 0, 0) if kind < 0.8 else _bright(rng)


def _bright(rng: np.random.Generator) -> Colour:
    red, green, blue = rng.integers(0, 256, 3).tolist()
    return (red, green, blue)


def _sentence(rng: np.random.Generator, words: int) -> str:
    return " ".join(WORDS[word] for word in rng.integers(len(WORDS), size=words))


def _font(pixels: float) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return _loaded_font(round(min(MAX_FONT, max(MIN_FONT, pixels))))


@functools.lru_cache(maxsize=16)
def _loaded_font(pixels: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(pixels)


CHANGES: dict[str, Change] = {
    "crop_80": functools.partial(_crop, share=0.8),
    "crop_50": functools.partial(_crop, share=0.5),
    "crop_30": functools.partial(_crop, share=0.3),
    "jpeg_10": _jpeg,
    "thumbnail": _thumbnail,
    "blur": _blur,
    "noise": _noise,
    "grey": _grey,
    "brightness": _brightness,
    "contrast": _contrast,
    "hue": _hue,
    "mirror": _mirror,
    "quarter_turn": _quarter_turn,
    "tilt": _tilt,
    "border": _border,
    "page": _page,
    "caption": _caption,
    "sticker": _sticker,
    "squeeze": _squeeze,
}
