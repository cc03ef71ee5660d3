"""One picture on a contact sheet: it stands on the line of its caption, or a square says why it can't."""

from __future__ import annotations

from PIL import Image, ImageDraw

from augnet_cli.images.names import shown
from augnet_cli.report.sheet_text import AnyFont, wrapped
from augnet_cli.report.thumbnails import Thumbnail

PAPER, INK, SOFT, RULE, KEPT, WELL = "#ffffff", "#1d1d1b", "#62625c", "#dededa", "#17693f", "#ecece7"
LINE = 16  # height of a line of text
TEXT_SIZE = 12
INSET = 8  # of a text within its square
FRAME = 3  # pixels, around a picture that is marked
REASON_LINES = 4  # of why a picture can't be shown: half of its square


def stand(
    canvas: Image.Image,
    corner: tuple[int, int],
    picture: Thumbnail,
    tile: int,
    font: AnyFont,
    frame: str | None = None,
) -> None:
    """Draw a picture whose lower left corner is `corner`, or a square of `tile` pixels with the reason.

    Args:
        frame: the colour of a line around it.
    """
    pen = ImageDraw.Draw(canvas)
    left, bottom = corner
    if picture.pixels is None:
        pen.rectangle((left, bottom - tile, left + tile - 1, bottom - 1), WELL)
        inset, middle = left + INSET, bottom - tile // 2
        pen.text((inset, middle - LINE), "can't be shown", SOFT, font)
        for line, text in enumerate(wrapped(shown(picture.reason), font, tile - 2 * INSET, REASON_LINES)):
            pen.text((inset, middle + line * LINE), text, SOFT, font)
        return
    small = Image.fromarray(picture.pixels)
    top = bottom - small.height
    canvas.paste(small, (left, top))
    if frame is not None:
        edge = (left - FRAME, top - FRAME, left + small.width + FRAME - 1, bottom + FRAME - 1)
        pen.rectangle(edge, outline=frame, width=FRAME)
