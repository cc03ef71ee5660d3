"""The multi-similarity loss: values of the published code, a slow loop, gradients, properties."""

from __future__ import annotations

import math

import pytest
import torch
from golden_rows import golden_units
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor
from torch.nn import functional

from augnet_cli.training.multi_similarity import multi_similarity

LABELS = torch.arange(12) // 3
# Of the golden rows' similarities to themselves, those that rounding left below 1 where the value was taken.
BELOW_ONE = (2, 5, 7, 8)


def similarities() -> Tensor:
    rows = golden_units()
    return (rows @ rows.T).fill_diagonal_(1.0)


def test_value_is_that_of_the_published_code_without_pairs_of_an_image_with_itself() -> None:
    assert multi_similarity(similarities(), LABELS).item() == pytest.approx(2.063309444069153, abs=1e-6)


def test_value_is_that_of_the_published_code_where_rounding_lets_some_of_them_through() -> None:
    rounded = similarities()
    for row in BELOW_ONE:
        rounded[row, row] = math.nextafter(1.0, 0.0)
    leaked = multi_similarity(rounded, LABELS, self_by_value=True)
    assert leaked.item() == pytest.approx(2.0658587031728763, abs=1e-6)
    # By place it does not matter how they were rounded.
    assert multi_similarity(rounded, LABELS).item() == pytest.approx(2.063309444069153, abs=1e-6)


def by_a_slow_loop(similarity: Tensor, labels: Tensor, alpha: float, beta: float, base: float) -> float:
    count, total = len(labels), 0.0
    for i in range(count):
        one = [float(similarity[i, j]) for j in range(count) if j != i and labels[j] == labels[i]]
        two = [float(similarity[i, j]) for j in range(count) if labels[j] != labels[i]]
        if not one or not two:
            continue
        hard_one = [s for s in one if s - 0.1 < max(two)]
        hard_two = [s for s in two if s + 0.1 > min(one)]
        if hard_one and hard_two:
            total += math.log(1 + sum(math.exp(-beta * (s - base)) for s in hard_one)) / beta
            total += math.log(1 + sum(math.exp(alpha * (s - base)) for s in hard_two)) / alpha
    return total / count


@given(st.integers(0, 500), st.sampled_from([(40.0, 2.0, 0.5), (10.0, 1.0, 0.3)]))
def test_value_is_that_of_a_slow_loop(seed: int, constants: tuple[float, float, float]) -> None:
    generator = torch.Generator().manual_seed(seed)
    rows = functional.normalize(torch.randn(9, 3, dtype=torch.float64, generator=generator), dim=1)
    labels = torch.randint(4, (9,), generator=generator)
    similarity = rows @ rows.T
    expected = by_a_slow_loop(similarity, labels, *constants)
    assert multi_similarity(similarity, labels, *constants).item() == pytest.approx(expected, abs=1e-9)


def test_gradient_is_that_of_finite_differences() -> None:
    rows = golden_units(6).requires_grad_()
    labels = torch.arange(6) // 2
    assert torch.autograd.gradcheck(lambda r: multi_similarity(r @ r.T, labels), (rows,))


@pytest.mark.parametrize("labels", [torch.zeros(4, dtype=torch.int64), torch.arange(4)], ids=["one", "all"])
def test_a_batch_without_pairs_of_both_kinds_teaches_nothing(labels: Tensor) -> None:
    rows = golden_units(4).requires_grad_()
    loss = multi_similarity(rows @ rows.T, labels)
    loss.backward()
    assert loss.item() == 0 and rows.grad is not None and not rows.grad.any()


def test_easy_pairs_are_left_out() -> None:
    apart = torch.eye(4, dtype=torch.float64)
    apart[0, 1] = apart[1, 0] = apart[2, 3] = apart[3, 2] = 0.9
    assert multi_similarity(apart, torch.tensor([0, 0, 1, 1])).item() == 0


def test_names_of_classes_do_not_matter() -> None:
    renamed = torch.tensor([7, 2, 9, 4])[LABELS]
    assert torch.equal(multi_similarity(similarities(), LABELS), multi_similarity(similarities(), renamed))
