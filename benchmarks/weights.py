"""Write what the shipped encoder's card says into `weights/README.md`.  python benchmarks/weights.py"""

from __future__ import annotations

import os

from tables import ROOT, markdown, put

from augnet_cli.encoder.embedder import Embedder
from augnet_cli.encoder.locate import shipped_encoder

README = ROOT / "weights" / "README.md"


def main() -> None:
    file = shipped_encoder()
    card = Embedder.load(file).card
    training = card.training
    rows = [
        ("id", f"`{card.id}`"),
        ("file", f"`{os.path.basename(file)}`, {os.path.getsize(file):,} bytes"),
        ("method", card.method),
        ("architecture", ", ".join(f"{name} {value}" for name, value in card.architecture.items())),
        ("command", f"`{training['command']}`"),
        ("images", f"{training['images']:,}, data hash `{training['data_hash']}`"),
        ("length", f"{training['epochs']} epochs, {training['steps']:,} steps, {training['views']:,} views"),
        ("seed", str(training["seed"])),
        ("precision of training", "bf16, losses in fp32" if training["bf16"] else "fp32"),
        ("licence", card.licence),
    ]
    for level, threshold in card.thresholds.items():
        recall = card.scores[f"copy_recall_at_precision_{level}"]
        rows.append(
            (
                f"distance at precision {level}",
                f"{threshold:g}, where {recall:.1%} of everyday copies are found",
            )
        )
    put("card", markdown(("", ""), rows), README)


if __name__ == "__main__":
    main()
