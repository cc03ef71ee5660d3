"""Words of `augnet train` that contradict each other."""

from __future__ import annotations

from augnet_cli.errors import UsageError


def check_words(
    folder: str | None,
    data: str | None,
    out: str | None,
    split: str | None,
    exclude: list[str] | None,
    replaces: bool,
    eval_every: int | None,
    eval_data: str | None,
) -> None:
    """Refuse words that contradict each other.

    Raises:
        UsageError: they do.
    """
    if (folder is None) == (data is None):
        both = "FOLDER and --data both say" if folder else "nothing says"
        hint = "augnet train FOLDER, or --data NAME:PATH --out FILE.onnx"
        raise UsageError(f"{both} what to learn from", hint)
    if data is not None and out is None:
        raise UsageError("--data needs a file for the encoder", "--out encoder.onnx")
    if data is None and out is not None:
        raise UsageError("--out is for --data: the encoder of a folder is kept in it", "leave out --out")
    if data is None and split is not None:
        raise UsageError("--split is for --data: a folder has no splits", "leave out --split")
    if data is not None and exclude:
        raise UsageError("--exclude is for FOLDER, and --data is learnt from whole", "leave out --exclude")
    if data is not None and replaces:
        raise UsageError("--replace is for FOLDER: --data has no encoder to replace", "leave out --replace")
    if eval_data is not None and eval_every is None:
        raise UsageError("--eval-data says by what to judge, and nothing says how often", "--eval-every 10")
