"""Clusters for people: exact layouts, colours as words, nothing harmful whatever anything is called."""

from __future__ import annotations

import re
import unicodedata
from dataclasses import replace

import pytest
from cluster_examples import CASTLES, FULL, LOOKS
from report_examples import CLUSTER, WEIRD_PATHS

from augnet_cli.records import Skip
from augnet_cli.report.cluster_text import OUTLIERS_SHOWN, cluster_lines
from augnet_cli.report.colour_words import colour_word, colour_words
from augnet_cli.report.style import COLOUR
from augnet_cli.results import Flagged, Looks, Outlier


def text(lines) -> str:
    return "".join(line + "\n" for line in lines)


def test_members_alone_word_for_word() -> None:
    assert text(cluster_lines(CLUSTER)) == (
        "cluster 0  3 images, tightness 0.00\n"
        "  b.jpg\n"
        "  a.jpg\n"
        "\n"
        "cluster 1  1 image\n"
        "  z.jpg\n"
        "\n"
        "1 image skipped (--format json lists all):\n"
        "  1  no HEIF: c.heic\n"
        "\n"
        "4 images in 2 clusters\n"
        "next: `augnet cluster photos --k 2 --format csv` lists every member, "
        "`--html map.html` shows where each lies\n"
    )


def test_all_that_is_known_word_for_word() -> None:
    assert text(cluster_lines(FULL)) == (
        "cluster 0  castles  4 images, tightness 0.31, nearest: 1 (0.12)\n"
        "  2019-05-01 to 2019-06-12; Canon EOS 80D 75%, Pixel 4 25%; dark green 70%, grey 30%; "
        "landscape 75%, portrait 25%\n"
        "  c/1.jpg\n"
        "  c/4.jpg\n"
        "  0.0  towers  2 images, tightness 0.11: c/1.jpg\n"
        "  0.1  2 images, tightness 0.05: c/4.jpg\n"
        "  also near another: c/3.jpg\n"
        "\n"
        "cluster 1  1 image, nearest: 0 castles (0.12)\n"
        "  dog.jpg\n"
        "\n"
        "noise  1 image in no cluster (--format csv lists all)\n"
        "\n"
        "outliers  least like any other, by the distance to those nearest\n"
        "  0.8123  a, noise.jpg\n"
        "  0.5000  dog.jpg\n"
        "\n"
        "flags  2 images: dark 2, blurred 1 (--format csv lists all)\n"
        "\n"
        "1 image skipped (--format json lists all):\n"
        "  1  no HEIF: c.heic\n"
        "\n"
        "k 2 chosen among 2 to 3: stability 0.91, silhouette 0.22\n"
        "5 images in 2 clusters, 1 in none\n"
        "next: `augnet cluster photos --seed 3 --format csv` lists every member, "
        "`--html map.html` shows where each lies\n"
    )


def test_a_single_day_is_told_once_and_what_is_unknown_not_at_all() -> None:
    looks = Looks(first_taken="2020-01-01T08:00:00", last_taken="2020-01-01T09:00:00")
    lines = list(cluster_lines(replace(FULL, clusters=(replace(CASTLES, looks=looks),))))
    assert lines[1] == "  2020-01-01"
    lines = list(cluster_lines(replace(FULL, clusters=(replace(CASTLES, looks=Looks()),))))
    assert lines[1] == "  c/1.jpg"


@pytest.mark.parametrize(
    ("changes", "command"),
    [
        ({"method": "hdbscan"}, "augnet cluster photos --method hdbscan --seed 3"),
        ({"method": "agglomerative", "seed": 0}, "augnet cluster photos --method agglomerative"),
        ({"typed_folder": "a b", "seed": 0, "chosen": False}, "augnet cluster 'a b' --k 2"),
        ({"typed_folder": "\x1b[2J", "seed": 0}, "augnet cluster FOLDER"),
    ],
)
def test_the_next_command_finds_the_same_again(changes: dict[str, object], command: str) -> None:
    assert f"`{command} --format csv`" in list(cluster_lines(replace(FULL, **changes)))[-1]


def test_a_long_list_of_outliers_is_cut_and_says_so() -> None:
    many = tuple(Outlier(f"{number}.jpg", 0.5) for number in range(OUTLIERS_SHOWN + 7))
    lines = list(cluster_lines(replace(FULL, outliers=many)))
    assert sum(line.startswith("  0.5000") for line in lines) == OUTLIERS_SHOWN
    assert "  7 more (--format csv lists all)" in lines


def weird_result():
    """The harmful names everywhere a name can stand."""
    clusters = tuple(
        replace(
            CASTLES,
            id=number,
            name=name,
            medoid=name,
            exemplars=(name,),
            borderline=(name,),
            neighbour=number,
            looks=replace(LOOKS, cameras=((name, 1.0),), first_taken=name, last_taken=None),
            children=(replace(CASTLES, name=name, medoid=name, children=()),),
        )
        for number, name in enumerate(WEIRD_PATHS)
    )
    return replace(
        FULL,
        clusters=clusters,
        outliers=tuple(Outlier(name, 0.5) for name in WEIRD_PATHS),
        flagged=tuple(Flagged(name, (name,)) for name in WEIRD_PATHS),
        skipped=tuple(Skip(name, f"can't decode {name}") for name in WEIRD_PATHS),
    )


def test_no_name_sends_anything_harmful_to_a_terminal() -> None:
    for line in cluster_lines(weird_result()):
        for character in line:
            assert unicodedata.category(character) not in ("Cc", "Cs", "Zl", "Zp"), repr(line)
            assert character not in "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069", repr(line)


def test_colour_adds_codes_and_nothing_else() -> None:
    for result in (FULL, CLUSTER, weird_result()):
        coloured = text(cluster_lines(result, COLOUR))
        assert "\x1b[" in coloured
        assert re.sub(r"\x1b\[\d+m", "", coloured) == text(cluster_lines(result))


@pytest.mark.parametrize(
    ("colour", "word"),
    [
        ("#000000", "black"),
        ("#ffffff", "white"),
        ("#808080", "grey"),
        ("#303030", "dark grey"),
        ("#ff0000", "red"),
        ("#8b0000", "dark red"),
        ("#8b4513", "brown"),
        ("#ffa500", "orange"),
        ("#ffff00", "yellow"),
        ("#00a000", "dark green"),
        ("#40e0d0", "turquoise"),
        ("#87ceeb", "light blue"),
        ("#000080", "dark blue"),
        ("#8000ff", "violet"),
        ("#ff69b4", "pink"),
    ],
)
def test_a_colour_has_the_name_that_a_person_gives_it(colour: str, word: str) -> None:
    assert colour_word(colour) == word


def test_shares_of_one_word_are_added() -> None:
    assert colour_words((("#ff0000", 0.3), ("#000000", 0.4), ("#fa0000", 0.2))) == (
        ("red", 0.5),
        ("black", 0.4),
    )


def test_of_images_that_were_assigned_the_next_command_assigns_them_again() -> None:
    result = replace(CLUSTER, chosen=False, seed=0, typed_folder="inbox", assigned_to="photos", of=7)
    (line,) = [line for line in cluster_lines(result) if line.startswith("next")]
    assert line == "next: `augnet cluster photos --assign inbox --k 7 --format csv` lists every member"
    (line,) = [
        line for line in cluster_lines(replace(result, typed_encoder="my e.onnx")) if line.startswith("next")
    ]
    assert "--assign inbox --encoder 'my e.onnx' --k 7" in line
