"""Heads that are learnt on embeddings: clusters that are there are found, and nothing else moves."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from augnet_cli.training.methods import scan_heads
from augnet_cli.training.methods.scan_cluster import neighbours_of
from augnet_cli.training.methods.scan_heads import fit_heads
from augnet_cli.training.methods.scan_terms import scan_score


def heaps(each: int, count: int, dim: int) -> tuple[np.ndarray, np.ndarray]:
    """(n, d) float32 rows in heaps far from 0, of very different spread along each axis, and their heaps."""
    rng = np.random.default_rng(0)
    scales = np.geomspace(0.01, 10, dim)
    centres = rng.normal(size=(count, dim))
    labels = np.repeat(np.arange(count), each)
    rows = (centres[labels] + 0.2 * rng.normal(size=(len(labels), dim)) + 3) * scales
    return rows.astype(np.float32), labels


def test_heads_find_heaps_whatever_the_scale_of_the_numbers_and_give_logits_of_rows_as_they_are() -> None:
    rows, labels = heaps(30, 3, 8)
    even = (rows - rows.mean(0)) / rows.std(0)
    near = neighbours_of(even / np.linalg.norm(even, axis=1, keepdims=True), 5, 3, include_self=False)
    torch.manual_seed(0)
    heads = [nn.Linear(8, 3), nn.Linear(8, 3)]
    before = [scan_score(head(torch.from_numpy(rows)).detach(), torch.from_numpy(near)) for head in heads]
    fit_heads(heads, rows, near, 5.0, np.random.default_rng(1))
    for head, random in zip(heads, before, strict=True):
        logits = head(torch.from_numpy(rows)).detach()
        assert scan_score(logits, torch.from_numpy(near)) < random
        pairs = set(zip(logits.argmax(1).tolist(), labels.tolist(), strict=True))
        assert len(pairs) == 3  # one cluster a heap
    assert not torch.equal(heads[0].weight, heads[1].weight)


def test_what_hardly_changes_is_not_made_to_say_much() -> None:
    """As of a network that was never trained: all rows nearly the same."""
    rng = np.random.default_rng(2)
    rows = (5 + 1e-5 * rng.normal(size=(40, 6))).astype(np.float32)
    near = np.stack([np.roll(np.arange(40), shift) for shift in (1, 2)], axis=1)
    torch.manual_seed(0)
    head = nn.Linear(6, 3)
    fit_heads([head], rows, near, 5.0, rng)
    assert head(torch.from_numpy(rows)).detach().abs().max() < 10


def test_the_same_draws_give_the_same_heads_and_a_number_that_never_changes_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(scan_heads, "MOST_STEPS", 20)
    rows, _ = heaps(10, 2, 4)
    rows[:, 2] = 7
    near = neighbours_of(rows / np.linalg.norm(rows, axis=1, keepdims=True), 3, 2, include_self=True)
    made = []
    for _ in range(2):
        torch.manual_seed(0)
        head = nn.Linear(4, 2)
        fit_heads([head], rows, near, 5.0, np.random.default_rng(1))
        made.append(head.weight.detach().clone())
        assert torch.isfinite(head.weight).all() and torch.isfinite(head(torch.from_numpy(rows))).all()
    assert torch.equal(*made)
