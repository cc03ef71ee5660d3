"""Draw the pictures of the README.  python docs/make_pictures.py

From parts of scikit-learn's two sample photographs (china.jpg by Kensuke Tabata, flower.jpg by dany13, both
CC BY 2.0) and drawn pictures: a map, a sheet of clusters, and a sheet of hits.  Needs Chromium.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw
from sklearn.datasets import load_sample_images

ROOT = Path(__file__).resolve().parents[1]
PICTURES = Path(__file__).parent / "pictures"
PARTS, DRAWN = 60, 40  # of each photograph, of each kind of drawing
SIDE = 240  # pixels, of a part
COLOURS = 128  # of a file: as good to the eye, a third of the bytes
WIDTH, HEIGHT = 1400, 860  # of the window
FLOWER = (768, 402)  # where the name of that cluster stands in it


def make_folder(folder: Path) -> None:
    """Parts of photographs and drawings, a folder a kind."""
    random = np.random.default_rng(0)
    for name, pixels in zip(("temple", "flower"), load_sample_images().images, strict=True):
        photo = Image.fromarray(pixels)
        for number in range(PARTS):
            side = int(random.integers(130, 260))
            left, top = (int(random.integers(0, most - side)) for most in photo.size)
            part = photo.crop((left, top, left + side, top + side)).resize((SIDE, SIDE))
            save(part, folder / name / f"{name}-{number:02}.jpg")
    for kind in ("discs", "boxes", "strokes"):
        for number in range(DRAWN):
            save(drawing(kind, random), folder / kind / f"{kind}-{number:02}.png")


def save(picture: Image.Image, file: Path) -> None:
    file.parent.mkdir(parents=True, exist_ok=True)
    picture.save(file)


def drawing(kind: str, random: np.random.Generator) -> Image.Image:
    """Discs, boxes or strokes of any colours."""

    def colour() -> tuple[int, ...]:
        return tuple(random.integers(0, 256, 3).tolist())

    picture = Image.new("RGB", (SIDE, SIDE), "white" if kind == "discs" else colour())
    draw = ImageDraw.Draw(picture)
    for _ in range({"discs": 12, "boxes": 9, "strokes": 70}[kind]):
        x, y, w, h = (int(random.integers(0, most)) for most in (220, 220, 90, 90))
        if kind == "discs":
            draw.ellipse((x - 10, y - 10, x + 15 + w // 2, y + 15 + w // 2), fill=colour())
        elif kind == "boxes":
            draw.rectangle((x, y, x + 15 + w, y + 15 + h), fill=colour())
        else:
            draw.line((x, y, x + w - 45, y + h - 45), fill=colour(), width=3)
    return picture


def augnet(work: Path, *words: str) -> None:
    """Run a command in a folder, so that no path of this machine is in what it draws."""
    command = [sys.executable, "-m", "augnet_cli", *words, "--format", "json", "--quiet"]
    environment = os.environ | {"AUGNET_HOME": str(work), "PYTHONPATH": str(ROOT)}
    subprocess.run(command, check=True, cwd=work, stdout=subprocess.DEVNULL, env=environment)


def screenshot(page: Path) -> bytes:
    """PNG of the map, with a cluster open."""
    sys.path.insert(0, str(ROOT / "tests" / "report"))
    from chromium import chromium_tab

    with chromium_tab() as tab:
        tab.window(WIDTH, HEIGHT)
        tab.open(page)
        tab.wait("document.querySelector('#over').dataset.milliseconds")
        tab.run("document.querySelector('.where').remove()")
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            tab.mouse(kind, *FLOWER)
        time.sleep(1)  # the view moves
        return tab.screenshot()


def keep(picture: bytes, name: str) -> None:
    """A PNG in few colours."""
    PICTURES.mkdir(exist_ok=True)
    image = Image.open(io.BytesIO(picture)).convert("RGB").quantize(COLOURS)
    image.save(PICTURES / name, optimize=True)


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        work = Path(scratch)
        make_folder(work / "pictures")
        augnet(work, "cluster", "pictures", "--html", "map.html", "--sheet", "clusters.png")
        names = ("flower/flower-03.jpg", "temple/temple-05.jpg", "discs/discs-07.png")
        queries = [f"pictures/{name}" for name in names]
        augnet(work, "query", *queries, "--in", "pictures", "--k", "7", "--sheet", "hits.png")
        keep(screenshot(work / "map.html"), "map.png")
        keep((work / "clusters.png").read_bytes(), "clusters.png")
        keep((work / "hits.png").read_bytes(), "hits.png")


if __name__ == "__main__":
    main()
