"""Which files are images, told by name or by the first bytes; nothing is decoded here.

A kind is the format's name as a person knows it; `decode` knows which of them it can read.
"""

from __future__ import annotations

import os
import re

# Enough for the header of a bitmap and for three compatible brands of an HEIF box.
HEAD_BYTES = 64

RAW = "camera RAW"

_SUFFIXES_BY_KIND = {
    "JPEG": "jpg jpeg jpe jfif jif mpo",
    "PNG": "png apng",
    "GIF": "gif",
    "WebP": "webp",
    "BMP": "bmp dib rle",
    "TIFF": "tif tiff",
    "HEIF": "heic heif hif heics heifs",
    "AVIF": "avif avifs",
    "JPEG 2000": "jp2 j2k j2c jpc jpf jpx",
    "JPEG XL": "jxl",
    "JPEG XR": "jxr wdp hdp",
    "ICO": "ico",
    "CUR": "cur",
    "ICNS": "icns",
    "Netpbm": "ppm pgm pbm pnm pfm",
    "PAM": "pam",
    "PCX": "pcx",
    "DCX": "dcx",
    "TGA": "tga icb vda vst",
    "SGI": "sgi rgb rgba bw",
    "Sun raster": "ras",
    "QOI": "qoi",
    "DDS": "dds",
    "PSD": "psd psb",
    "FITS": "fits fit",
    "XBM": "xbm",
    "XPM": "xpm",
    "MSP": "msp",
    "FLI": "fli flc",
    "EPS": "eps epsf epsi",
    "WMF": "wmf",
    "EMF": "emf",
    "SVG": "svg svgz",
    "OpenEXR": "exr",
    "Radiance HDR": "hdr",
    "BPG": "bpg",
    "XCF": "xcf",
    RAW: "3fr arw cr2 cr3 crw dcr dng erf iiq kdc mef mos mrw nef nrw orf pef raf rw2 rwl sr2 srf srw x3f",
}
KIND_BY_SUFFIX = {
    "." + suffix: kind for kind, suffixes in _SUFFIXES_BY_KIND.items() for suffix in suffixes.split()
}

# Longest first where one begins another.
_KIND_BY_START = (
    (b"\xff\xd8\xff", "JPEG"),
    (b"\x89PNG\r\n\x1a\n", "PNG"),
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"\x00\x00\x00\x0cjP  \r\n\x87\n", "JPEG 2000"),
    (b"\xff\x4f\xff\x51", "JPEG 2000"),
    (b"\x00\x00\x00\x0cJXL \r\n\x87\n", "JPEG XL"),
    (b"II\xbc\x01", "JPEG XR"),
    (b"FUJIFILMCCD-RAW", RAW),
    (b"II*\x00\x10\x00\x00\x00CR", RAW),
    (b"II\x1a\x00\x00\x00HEAPCCDR", RAW),
    (b"IIRO", RAW),
    (b"IIRS", RAW),
    (b"MMOR", RAW),
    (b"IIU\x00", RAW),
    (b"FOVb", RAW),
    (b"\x00MRM", RAW),
    (b"II*\x00", "TIFF"),
    (b"MM\x00*", "TIFF"),
    (b"II+\x00", "TIFF"),
    (b"MM\x00+", "TIFF"),
    (b"icns", "ICNS"),
    (b"\xb1\x68\xde\x3a", "DCX"),
    (b"\x59\xa6\x6a\x95", "Sun raster"),
    (b"qoif", "QOI"),
    (b"DDS ", "DDS"),
    (b"8BPS", "PSD"),
    (b"SIMPLE  =", "FITS"),
    (b"/* XPM */", "XPM"),
    (b"DanM", "MSP"),
    (b"LinS", "MSP"),
    (b"\xc5\xd0\xd3\xc6", "EPS"),
    (b"\xd7\xcd\xc6\x9a", "WMF"),
    (b"<svg", "SVG"),
    (b"\x76\x2f\x31\x01", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"BPG\xfb", "BPG"),
    (b"gimp xcf ", "XCF"),
)
# Short signatures that other files bear by chance are looked at more closely: a wrong guess
# would list a file as a skipped image that nobody takes for one.
_KIND_BY_PATTERN = tuple(
    (re.compile(pattern, re.DOTALL), kind)
    for pattern, kind in (
        (rb"RIFF....WEBP", "WebP"),
        (rb"BM.{12}(?:[\x0c\x10\x28\x34\x38\x40\x6c\x7c])\x00\x00\x00", "BMP"),
        (rb"P[1-6fF]\s(?=[\s#\d])", "Netpbm"),
        (rb"Py[ \n]", "Netpbm"),
        (rb"P7\s+(?:#|WIDTH)", "PAM"),
        (rb"\x00\x00\x01\x00[^\x00]\x00.{3}\x00", "ICO"),
        (rb"\x00\x00\x02\x00[^\x00]\x00.{3}\x00", "CUR"),
        (rb"\x0a[\x00\x02-\x05]\x01[\x01\x02\x04\x08]", "PCX"),
        (rb"\x01\xda[\x00\x01][\x01\x02]\x00[\x01-\x03]", "SGI"),
        (rb"%!PS-Adobe-\d\.\d EPSF", "EPS"),
        (rb"\x01\x00\x00\x00.{36} EMF", "EMF"),
    )
)
_HEIF_BRANDS = frozenset((b"heic", b"heix", b"hevc", b"hevx", b"heim", b"heis", b"hevm", b"hevs"))
_GENERAL_HEIF_BRANDS = frozenset((b"mif1", b"mif2", b"msf1", b"miaf"))
_AVIF_BRANDS = frozenset((b"avif", b"avis"))


def named_as_image(name: str) -> bool:
    """Whether the suffix is one that images have; upper or lower case."""
    return kind_of_name(name) is not None


def kind_of_name(name: str) -> str | None:
    """The kind that the suffix promises, or None."""
    return KIND_BY_SUFFIX.get(os.path.splitext(name)[1].lower())


def starts_as_image(head: bytes) -> bool:
    """Whether the first bytes (HEAD_BYTES of them, or all there are) are those of an image."""
    return kind_of(head) is not None


def kind_of(head: bytes) -> str | None:
    """The kind that the first bytes tell, or None."""
    for start, kind in _KIND_BY_START:
        if head.startswith(start):
            return kind
    for pattern, kind in _KIND_BY_PATTERN:
        if pattern.match(head):
            return kind
    return _kind_of_box(head)


def _kind_of_box(head: bytes) -> str | None:
    """HEIF, AVIF and Canon's CR3 are one container, told apart by brands; so are films, which are none."""
    if head[4:8] != b"ftyp":
        return None
    end = min(int.from_bytes(head[:4], "big"), len(head))
    brands = [head[8:12]] + [head[at : at + 4] for at in range(16, end - 3, 4)]
    if brands[0] == b"crx ":
        return RAW
    if brands[0] in _HEIF_BRANDS:
        return "HEIF"
    if brands[0] in _AVIF_BRANDS:
        return "AVIF"
    if brands[0] in _GENERAL_HEIF_BRANDS:
        return "AVIF" if _AVIF_BRANDS.intersection(brands) else "HEIF"
    return None
