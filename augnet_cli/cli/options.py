"""Options that several commands share, declared once."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

import typer

MAX_WORKERS = 1024  # far beyond any machine's cores; threads are not free


class Format(str, Enum):
    """How a result is printed on stdout."""

    text = "text"
    json = "json"
    csv = "csv"
    paths = "paths"


Folder = Annotated[
    str,
    typer.Argument(
        metavar="FOLDER", help="Folder of images; everything below it counts.", show_default=False
    ),
]
Exclude = Annotated[
    list[str] | None,
    typer.Option("--exclude", metavar="GLOB", help="Answer without paths or names that match; repeatable."),
]
FolderUnlessBetween = Annotated[
    str | None,
    typer.Argument(
        metavar="FOLDER",
        help="Folder of images; everything below it counts. May be left out with --between.",
        show_default=False,
    ),
]
Reference = Annotated[
    list[str] | None,
    typer.Option(
        "--reference",
        metavar="DIR",
        help="Images below DIR, in FOLDER or elsewhere, always stay: others may go for them, they never go; "
        "repeatable.",
    ),
]
Between = Annotated[
    tuple[str, str] | None,
    typer.Option(
        "--between",
        metavar="A B",
        help="Only pairs of an image below the folder A and one below the folder B. With FOLDER only its own "
        "images may go; without it those of both.",
        show_default=False,
    ),
]
WithinSubfolders = Annotated[
    bool, typer.Option("--within-subfolders", help="Only pairs of images that lie in the same directory.")
]
FilesFrom = Annotated[
    str | None,
    typer.Option(
        "--files-from",
        metavar="FILE",
        help="Only the images of FOLDER that FILE lists, a path a line or, as `find -print0` writes them, a "
        "path before each zero byte; - is stdin. A reference takes part whole.",
        show_default=False,
    ),
]
Threshold = Annotated[
    float | None,
    typer.Option(
        "--threshold",
        min=0,
        max=2,
        help="Cosine distance, 1 - cos: pairs farther apart are not looked at; 0 is the same. Default: all "
        "likely pairs are looked at, whatever their distance. With --no-verify: at or under it two images "
        "are duplicates; default the one that reaches --precision on this folder, or the encoder's own "
        "where there are fewer than 1,000 different images.",
        show_default=False,
    ),
]
NoVerify = Annotated[
    bool,
    typer.Option("--no-verify", help="Let the distance alone decide; faster, and wrong now and then."),
]


class SearchWay(str, Enum):
    """How pairs within a distance are looked for."""

    exact = "exact"
    partitioned = "partitioned"


Search = Annotated[
    SearchWay,
    typer.Option(
        "--search",
        help="With --no-verify: `exact` finds all pairs; `partitioned` at least 0.999 of them, which it "
        "measures, in a part of the time where there are hundreds of thousands of images.",
    ),
]
IncludeUnverified = Annotated[
    bool,
    typer.Option(
        "--include-unverified",
        help="Count near pairs as duplicates, too, that show too little for a proof.",
    ),
]
Stacks = Annotated[
    bool,
    typer.Option("--stacks", help="Also list photos of one scene, taken moments apart; none of them goes."),
]
Precision = Annotated[
    float | None,
    typer.Option(
        "--precision",
        help="With --no-verify: share of true ones wanted among the redundant images, over 0 and under 1; "
        "the distance that reaches it on this folder is estimated once and kept.  [default: 0.99]",
        show_default=False,
    ),
]
Keep = Annotated[
    str | None,
    typer.Option(
        "--keep",
        metavar="RULES",
        help="Which image of a group stays: rules with commas between, of which the first that decides wins. "
        "unedited, resolution, bytes, oldest, newest, 'format:png>jpg' (quoted for the shell), "
        "folder:originals (also several), shortest-path; then the first path.  "
        "[default: unedited,resolution,bytes,shortest-path]",
        show_default=False,
    ),
]
PlanFile = Annotated[
    str | None,
    typer.Option(
        "--plan",
        metavar="FILE.jsonl",
        help="Also write what may go, an image a line, to be edited and given to `augnet apply`.",
        show_default=False,
    ),
]
Encoder = Annotated[
    str | None,
    typer.Option(
        "--encoder",
        metavar="FILE",
        help="Encoder to use (.onnx), or `shipped`. "
        "Default: the folder's own if it was trained, else the shipped one.",
        show_default=False,
    ),
]
OutputFormat = Annotated[Format, typer.Option("--format", help="How to print the result on stdout.")]
Null = Annotated[
    bool, typer.Option("-0", "--null", help="With --format paths: end each with a zero byte, for xargs -0.")
]
Workers = Annotated[
    int | None,
    typer.Option(
        "--workers",
        min=1,
        max=MAX_WORKERS,
        help="Threads. Default: the cores this process may use.",
        show_default=False,
    ),
]
Device = Annotated[
    str,
    typer.Option(
        "--device",
        metavar="NAME",
        help="What computes embeddings: cpu, cuda, rocm, coreml, directml or openvino, as the installed ONNX "
        "Runtime has it, or auto: the first that gives what the CPU gives, and faster.",
    ),
]
MaxMegapixels = Annotated[
    float | None,
    typer.Option(
        "--max-megapixels",
        min=0.01,
        help="Skip new images larger than this, to bound memory.  [default: 250]",
        show_default=False,
    ),
]
Html = Annotated[
    str | None,
    typer.Option(
        "--html",
        metavar="FILE.html",
        help="Also write a page that shows the groups picture by picture; it holds all it needs.",
        show_default=False,
    ),
]
Sheet = Annotated[
    str | None,
    typer.Option(
        "--sheet",
        metavar="FILE.png",
        help="Also draw contact sheets, a row a group; outside of FOLDER.",
        show_default=False,
    ),
]
FailOnFound = Annotated[
    bool, typer.Option("--fail-on-found", help="Exit with 11 if any duplicate was found.")
]
Strict = Annotated[bool, typer.Option("--strict", help="Exit with 3 if any image was skipped.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", help="Nothing on stderr but errors.")]
Debug = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
