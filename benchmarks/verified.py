"""How right `augnet dedupe` is when geometry verifies what it finds, what its verdicts say, what it costs.

    python benchmarks/verified.py [--work FOLDER] [--only PART ...] [--fastdup PYTHON] [--print-only]

`quality` and `candidates` are of the folder that `copies.py` makes; `verdicts` of pairs out of it; `birds` of
1,400 photos of birds, of which nobody made a copy; `cost` of a folder where one image in twenty is a copy,
and of the benchmark's folder beside fastdup.  What augnet answered, and the pairs to look at drawn side by
side (`wrong.png`, `birds.png`), stay in the work folder.
"""

from __future__ import annotations

import argparse
import functools
import importlib.util
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from copies import augnet_embeddings, make_folder, read_truth, unpacked
from cost import benchmark_twin, fastdup_run, first_run, in_turn, mixed_folder, next_run, time_rows
from environment import timed_environment
from found import PARTIAL, UNVERIFIED, Score, copies_by_kind, dedupe, equal_files, judge, share
from pair_sheet import Shown, draw_pairs
from tables import markdown, put
from verdicts import choose_pairs, judge_pair, lay_out, verdict_table

from augnet_cli.cores import usable_cores
from augnet_cli.evaluation.copies import CopyTruth
from augnet_cli.records import Pairs, Redundant

# Ways to ask, and the options for each; the first is what the page's other tables speak of.
DEFAULT, PLAIN = "default", "--no-verify"
WAYS: dict[str, tuple[str, ...]] = {
    DEFAULT: (),
    "--threshold 0.2": ("--threshold", "0.2"),
    PLAIN: (PLAIN,),
}
# The least that `dedupe` did before it verified: what the cost of verification is measured beside.
PLAIN_SEARCH = (PLAIN, "--threshold", "0.2")
PAIR_SEED = 0
PAIR_HEAD = ("redundant", "witness", "distance", "verdict")
TIME_HEAD = ("median s", "fastest", "slowest", "beside the first row")
Tables = tuple[str, ...]


@dataclass(frozen=True)
class Task:
    """Where to work and how much of it."""

    work: Path
    seed: int
    pairs: int
    images: int
    rounds: int
    fastdup: str | None


def quality(task: Task) -> Tables:
    """How many copies are grouped with their original, and how many redundant images have a true witness."""
    bench = make_folder(task.work, task.seed)
    truth, equal = read_truth(bench), equal_files(bench)
    found = {
        name: dedupe(bench, options, task.work / f"answer-{number}.json")
        for number, (name, options) in enumerate(WAYS.items())
    }
    scores = {name: judge(each, truth, equal) for name, each in found.items()}
    for name, score in scores.items():
        print(f"wrong, {name}:", *map(_told, score.wrong), sep="\n  ", flush=True)
    wrong = scores[DEFAULT].wrong
    draw_pairs(shown(bench, wrong), task.work / "wrong.png")
    kinds = scores[DEFAULT].recall_of
    by_kind = [
        (kind, *(f"{score.recall_of[kind]:.3f}" for score in scores.values()))
        for kind in sorted(kinds, key=lambda kind: kinds[kind])
    ]
    return (
        markdown(
            ("", "recall", "precision", "redundant", "wrong", *_listed_head()),
            [(name, *_score_cells(score)) for name, score in scores.items()],
        ),
        markdown(("kind of change", *scores), by_kind),
        pair_table(wrong, dict(zip(truth.paths, truth.transform, strict=True))),
    )


def _listed_head() -> list[str]:
    return [f"{word}: {kind} pairs" for word in (UNVERIFIED, PARTIAL) for kind in ("true", "false")]


def _score_cells(score: Score) -> tuple[str, ...]:
    listed = (str(count) for word in (UNVERIFIED, PARTIAL) for count in score.listed[word])
    return (
        f"{score.recall:.4f}",
        f"{score.precision:.4f}",
        f"{score.redundant:,}",
        f"{len(score.wrong)}",
        *listed,
    )


def _told(image: Redundant) -> str:
    return f"{image.path}  {image.witness}  {image.distance:.4f}  {' '.join(image.verdict)}"


def pair_table(redundant: Sequence[Redundant], kind_of: Mapping[str, str] | None = None) -> str:
    """The pairs by path, with what the benchmark did to each image where it is known; numbered as drawn."""

    def named(path: str) -> str:
        return f"{path} ({kind_of[path]})" if kind_of else path

    if not redundant:
        return "None."
    rows = [
        (
            str(number),
            named(image.path),
            named(image.witness),
            f"{image.distance:.4f}",
            " ".join(image.verdict),
        )
        for number, image in enumerate(redundant, start=1)
    ]
    return markdown(("", *PAIR_HEAD), rows)


def shown(folder: Path, redundant: Sequence[Redundant]) -> list[Shown]:
    return [
        Shown(folder / image.path, folder / image.witness, f"{image.distance:.4f} {' '.join(image.verdict)}")
        for image in redundant
    ]


def candidates(task: Task) -> Tables:
    """How many copies are looked at together with their original at all, and how many pairs that takes."""
    from augnet_cli.duplicates.candidates import candidate_pairs

    bench = make_folder(task.work, task.seed)
    truth = read_truth(bench)
    # No two of its images are equal files, so a row an image is what `dedupe` itself has: a row a content.
    pairs = candidate_pairs(augnet_embeddings(bench, truth))
    return (candidate_table(truth, pairs),)


def candidate_table(truth: CopyTruth, pairs: Pairs) -> str:
    """Candidates of an image, and the share of copies among them, by kind of change where it is not all."""
    met = {frozenset(pair) for pair in zip(pairs.left.tolist(), pairs.right.tolist(), strict=True)}
    row = {path: number for number, path in enumerate(truth.paths)}
    reached = copies_by_kind(truth, lambda copy, original: frozenset((row[copy], row[original])) in met)
    kinds = {kind: share([hits]) for kind, hits in reached.items() if not all(hits)}
    each = np.bincount(np.concatenate([pairs.left, pairs.right]), minlength=len(row))
    rows = [
        ("candidates of an image, on average", f"{each.mean():.1f}"),
        ("candidates of an image, at most", f"{each.max()}"),
        ("copies whose original is a candidate", f"{share(reached.values()):.4f}"),
        *((f"of {kind}", f"{kinds[kind]:.3f}") for kind in sorted(kinds, key=lambda each: kinds[each])),
    ]
    return markdown(("candidates", ""), rows)


def verdicts(task: Task) -> Tables:
    """What the verdicts on pairs of every kind of change say, beside what was done."""
    bench = make_folder(task.work, task.seed)
    pairs = choose_pairs(read_truth(bench), task.pairs, PAIR_SEED)
    with tempfile.TemporaryDirectory(dir=task.work) as folder:
        lay_out(pairs, bench, Path(folder))
        found = dedupe(Path(folder), (), task.work / "answer-verdicts.json")
    judged = [judge_pair(pair, found) for pair in pairs]
    for each in judged:
        if not each.right:
            print("wrong verdict:", each.pair.kind, each.pair.original, each.pair.copy, *each.words)
    return (verdict_table(judged),)


def birds(task: Task) -> Tables:
    """Every pair that is called redundant where nobody made a copy."""
    folder = unpacked(task.work, "birds-by-species")
    found = dedupe(folder, (), task.work / "answer-birds.json")
    nearest_first = sorted(found.redundant, key=lambda image: (image.distance, image.path))
    draw_pairs(shown(folder, nearest_first), task.work / "birds.png")
    return (pair_table(nearest_first),)


def cost(task: Task) -> Tables:
    """What verification adds where few images are copies; augnet's time beside fastdup's where many are."""
    environment = timed_environment(task.work / "home")
    mixed = mixed_folder(task.work, task.images)
    few = in_turn(
        {
            f"first dedupe {' '.join(PLAIN_SEARCH)}": functools.partial(
                first_run, mixed, PLAIN_SEARCH, environment
            ),
            "first dedupe": functools.partial(first_run, mixed, (), environment),
            "second dedupe": functools.partial(next_run, mixed, (), environment),
        },
        task.rounds,
    )
    bench = benchmark_twin(make_folder(task.work, task.seed), task.work)
    runs: dict[str, Callable[[], float]] = {}
    if task.fastdup:
        runs["fastdup, its run alone"] = functools.partial(
            fastdup_run, task.fastdup, bench / "photos", task.work
        )
    runs["first dedupe"] = functools.partial(first_run, bench, (), environment)
    many = in_turn(runs, task.rounds)
    cores = f"{usable_cores()} cores"
    return (
        markdown((f"{task.images:,} images, 5 % copies, {cores}", *TIME_HEAD), time_rows(few)),
        markdown((f"the benchmark folder, {cores}", *TIME_HEAD), time_rows(many)),
    )


PARTS: dict[str, Callable[[Task], Tables]] = {
    "quality": quality,
    "candidates": candidates,
    "verdicts": verdicts,
    "birds": birds,
    "cost": cost,
}
# The markers on the page of each part's tables.
PLACES = {
    "quality": ("verified", "verified-by-kind", "verified-wrong"),
    "candidates": ("candidates",),
    "verdicts": ("verdicts",),
    "birds": ("birds",),
    "cost": ("cost", "cost-fastdup"),
}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--only", nargs="+", default=list(PARTS), choices=PARTS, metavar="PART")
    parser.add_argument("--work", type=Path, help="kept between runs; default: a temporary folder")
    parser.add_argument("--seed", type=int, default=3, help="of the benchmark folder")
    parser.add_argument("--pairs", type=int, default=100, help="whose verdicts are judged")
    parser.add_argument("--images", type=int, default=4000, help="in the folder where 5 %% are copies")
    parser.add_argument("--rounds", type=int, default=3, help="of timed runs")
    parser.add_argument("--fastdup", metavar="PYTHON", help="one that has fastdup; default: this one, if so")
    parser.add_argument("--print-only", action="store_true", help="leave the documents as they are")
    arguments = parser.parse_args()
    here = sys.executable if importlib.util.find_spec("fastdup") else None
    with tempfile.TemporaryDirectory() as temporary:
        work = (arguments.work or Path(temporary)).resolve()
        work.mkdir(parents=True, exist_ok=True)
        task = Task(
            work,
            arguments.seed,
            arguments.pairs,
            arguments.images,
            arguments.rounds,
            arguments.fastdup or here,
        )
        for part in arguments.only:
            for place, table in zip(PLACES[part], PARTS[part](task), strict=True):
                if arguments.print_only:
                    print(table, flush=True)
                else:
                    put(place, table)


if __name__ == "__main__":
    main()
