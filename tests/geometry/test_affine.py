"""Formulas for six numbers, against NumPy's routines for any matrix."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from augnet_cli.geometry.affine import determinant, inverted, stretches

NUMBERS = st.lists(st.floats(-50, 50), min_size=6, max_size=6)


@given(NUMBERS)
def test_determinant_and_stretches_are_those_of_the_linear_part(numbers: list[float]) -> None:
    matrix = np.array(numbers).reshape(2, 3)
    assert determinant(matrix) == pytest.approx(float(np.linalg.det(matrix[:, :2])), abs=1e-9)
    expected = np.linalg.svd(matrix[:, :2], compute_uv=False)
    np.testing.assert_allclose(stretches(matrix), expected, rtol=1e-9, atol=1e-9)


@given(NUMBERS)
def test_the_way_back_undoes_a_transform(numbers: list[float]) -> None:
    matrix = np.array(numbers).reshape(2, 3)
    large, small = stretches(matrix)
    if small < 1e-3 * large or small < 1e-3:
        return  # nearly flat: digits are lost in any way
    back = np.vstack([inverted(matrix), [0, 0, 1]]) @ np.vstack([matrix, [0, 0, 1]])
    np.testing.assert_allclose(back, np.eye(3), atol=1e-5)


def test_what_is_flat_has_no_way_back() -> None:
    with pytest.raises(ZeroDivisionError):
        inverted(np.array([[1.0, 2.0, 3.0], [2.0, 4.0, 5.0]]))
