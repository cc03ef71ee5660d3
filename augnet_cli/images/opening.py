"""From bytes to an opened Pillow image of an allowed kind and a bearable size; pixels are read later."""

from __future__ import annotations

import contextlib
import importlib.util
import io
import threading
from collections.abc import Iterator

import PIL
from PIL import Image

from augnet_cli.images.contents import held_by
from augnet_cli.images.identify import HEAD_BYTES, RAW, kind_of, kind_of_name
from augnet_cli.images.unusable import Unusable

# A phone's 200 megapixels pass; Pillow takes 4 bytes a pixel, so this is 1 GB for each thread.
MAX_MEGAPIXELS = 250.0

HEIF_REASON = "HEIC needs pillow-heif: pip install pillow-heif"

# The kinds that Pillow decodes by itself, each with its name for them.
# Left out by intent: EPS starts Ghostscript, WMF and EMF draw through Windows, BUFR, GRIB and HDF5 are stubs;
# those without a signature (MPEG, SPIDER, PCD, ...) would take other files for pictures.
_PILLOW_FORMAT = {
    "JPEG": "JPEG",
    "PNG": "PNG",
    "GIF": "GIF",
    "WebP": "WEBP",
    "BMP": "BMP",
    "DIB": "DIB",
    "TIFF": "TIFF",
    "HEIF": "HEIF",
    "AVIF": "AVIF",
    "JPEG 2000": "JPEG2000",
    "ICO": "ICO",
    "CUR": "CUR",
    "ICNS": "ICNS",
    "Netpbm": "PPM",
    "PCX": "PCX",
    "DCX": "DCX",
    "TGA": "TGA",
    "SGI": "SGI",
    "Sun raster": "SUN",
    "QOI": "QOI",
    "DDS": "DDS",
    "PSD": "PSD",
    "FITS": "FITS",
    "XBM": "XBM",
    "XPM": "XPM",
    "MSP": "MSP",
    "FLI": "FLI",
}
# Decoders that never write on stderr: no capture, so threads run side by side.
SILENT_KINDS = frozenset(("JPEG", "PNG", "GIF", "WebP", "BMP"))
# Kinds whose bytes carry no signature, or a weak one; there the name decides.
_NAME_DECIDES = frozenset(
    ("TGA", "BMP", "DIB", "XBM", "XPM", "FLI", "PCX", "ICO", "CUR", "SGI", "Netpbm", "SVG")
)
_WHY_UNSUPPORTED = {
    RAW: "camera RAW is not supported: convert it, or use the JPEG that the camera wrote beside it",
    "EPS": "EPS is a program, not pixels: not supported",
    "SVG": "SVG is a drawing, not pixels: not supported",
    "WMF": "WMF is a drawing, not pixels: not supported",
    "EMF": "EMF is a drawing, not pixels: not supported",
}
_TGA_FOOTER = b"TRUEVISION-XFILE.\x00"
_DNG_VERSION, NEW_SUBFILE_TYPE, _SUB_IFDS = 50706, 254, 330  # TIFF tags
REDUCED = 1  # the bit of NEW_SUBFILE_TYPE of a page that is another one at a smaller size

_limit_changing = threading.Lock()
_heif_registering = threading.Lock()


def kind_to_decode(data: bytes, name: str = "") -> str:
    """The kind of these bytes, a supported one.

    Raises:
        Unusable: no image, or a kind that is not supported.
    """
    kind = kind_of(data[:HEAD_BYTES])
    promised = kind_of_name(name)
    if kind == "TIFF" and promised == RAW:
        kind = RAW
    if kind is None:
        kind = _kind_without_signature(data, promised)
    if kind is None:
        raise Unusable("the file is empty" if not data else f"holds {held_by(data)}")
    if kind not in _PILLOW_FORMAT:
        raise Unusable(_WHY_UNSUPPORTED.get(kind, f"{kind} is not supported"))
    return kind


def _kind_without_signature(data: bytes, promised: str | None) -> str | None:
    if data.startswith(b"BM"):
        return "BMP"
    if data.endswith(_TGA_FOOTER):
        return "TGA"
    if promised == "BMP":
        return "DIB"  # a bitmap without its file header
    if promised in _NAME_DECIDES:
        return promised
    if (
        promised is not None
        and promised not in _PILLOW_FORMAT
        and held_by(data).startswith("no image format")
    ):
        return promised
    return None


def open_header(data: bytes, kind: str) -> Image.Image:
    """Read the header; whatever the decoder raises comes through, for the caller to word.

    Does what `Image.open` does for one format, without its warning and error about large pictures:
    how large is too large is `check_size`'s to say.

    Raises:
        Unusable: HEIF without its library, a kind this Pillow lacks, or a camera's RAW inside a TIFF.
    """
    if kind == "HEIF" and not _heif_ready():
        raise Unusable(HEIF_REASON)
    name = _PILLOW_FORMAT[kind]
    if name not in Image.OPEN:
        Image.preinit()  # the five common formats; all of them take twenty times as long
    if name not in Image.OPEN:
        Image.init()
    if name not in Image.OPEN:
        raise Unusable(f"{kind} is not supported by the installed Pillow")
    factory, _ = Image.OPEN[name]
    image = factory(io.BytesIO(data), "")
    if kind == "TIFF" and _is_raw_thumbnail(image):
        raise Unusable(_WHY_UNSUPPORTED[RAW])
    return image


def check_size(size: tuple[int, int], max_megapixels: float) -> None:
    """Refuse a picture of no pixels, or of more than the limit.

    Raises:
        Unusable: with both numbers and the flag that raises the limit.
    """
    width, height = size
    if width < 1 or height < 1:
        raise Unusable("it has no pixels")
    megapixels = width * height / 1e6
    if megapixels > max_megapixels:
        raise too_large(f"{megapixels:,.0f} megapixels", max_megapixels)


def too_large(size: str, max_megapixels: float) -> Unusable:
    """The refusal of a picture whose size is told in words."""
    return Unusable(f"{size}, the limit is {max_megapixels:,.10g} (raise it with --max-megapixels)")


@contextlib.contextmanager
def own_limit(max_megapixels: float) -> Iterator[None]:
    """Pillow's limit for pictures within pictures (icons, frames) set to ours for a moment.

    Some decoders check against the module-wide `Image.MAX_IMAGE_PIXELS` themselves.
    It is changed only for a picture that was refused by it, one at a time, and put back.
    """
    with _limit_changing:
        before = Image.MAX_IMAGE_PIXELS
        Image.MAX_IMAGE_PIXELS = max(1, int(max_megapixels * 1e6 / 2))  # its error comes at twice that
        try:
            yield
        finally:
            Image.MAX_IMAGE_PIXELS = before


def _is_raw_thumbnail(image: Image.Image) -> bool:
    """DNG, NEF, ARW and others are TIFFs whose first picture is a thumbnail or needs developing.

    The thumbnail stands for a picture many times its size: what it hides, no comparison would see.
    """
    tags = getattr(image, "tag_v2", {})
    is_reduced = tags.get(NEW_SUBFILE_TYPE, 0) == REDUCED
    return _DNG_VERSION in tags or (is_reduced and _SUB_IFDS in tags)


def _heif_ready() -> bool:
    """Whether Pillow can open HEIF, after registering pillow-heif the first time it is asked."""
    with _heif_registering:
        if "HEIF" in Image.OPEN:
            return True
        try:
            from pillow_heif import register_heif_opener
        except ImportError:  # not installed, or its library does not load here
            return False
        register_heif_opener()
        return True


def decoder_id() -> str:
    """Which decoders are at work: a skip recorded under another id is worth trying again."""
    heif = "none"
    if importlib.util.find_spec("pillow_heif") is not None:
        from importlib import metadata  # takes longer to load than all decoders together

        heif = metadata.version("pillow-heif")
    return f"pillow {PIL.__version__}, pillow-heif {heif}"
