# SPDX-License-Identifier: Apache-2.0
"""Recursive least squares with forgetting, for a handful of unknowns. Pure; no matrix library.

Forgetting makes the covariance grow where nothing is learnt, without end, until one bad number throws everything over.
So whoever uses it says at each step whether to forget, and beyond a bound nothing is forgotten.
"""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

Matrix = list[list[float]]

FIRST_INFORMATION = 1e-4
"""Nothing is known at first: unknowns are of the order of 1 to 100."""


class RecursiveLeastSquares:
    """Fits `y = unknowns . x`."""

    def __init__(self, first: Sequence[float], forgetting: float) -> None:
        """`first` are the unknowns before anything was seen. Raises ValueError unless 0.9 <= forgetting <= 1."""
        if not 0.9 <= forgetting <= 1:
            raise ValueError(f"a forgetting factor of {forgetting:g} is not within 0.9 and 1")
        self.unknowns = list(first)
        self.weight = 0.0
        """Of all the steps that are remembered, the newest counting 1."""
        self._forgetting = forgetting
        size = len(self.unknowns)
        self.inverse: Matrix = [
            [1 / FIRST_INFORMATION if row == column else 0.0 for column in range(size)] for row in range(size)
        ]
        """Of the sum of x by x; times the variance of the errors, the covariance of the unknowns."""

    def see(self, x: Sequence[float], y: float, *, forget: bool) -> float | None:
        """The error of the prediction of `y` before it was seen. None = the numbers are not usable, and are dropped."""
        error = self.error(x, y)
        if error is None:
            return None
        most = max(self.inverse[index][index] for index in range(len(self.inverse)))
        left = self._forgetting if forget and most <= self._forgetting / FIRST_INFORMATION else 1.0
        spread = [_dot(row, x) for row in self.inverse]
        scale = left + _dot(spread, x)
        unknowns = [one + each / scale * error for one, each in zip(self.unknowns, spread, strict=True)]
        inverse = [
            [(one - one_side * other / scale) / left for one, other in zip(row, spread, strict=True)]
            for row, one_side in zip(self.inverse, spread, strict=True)
        ]
        usable = all(math.isfinite(one) for one in unknowns) and all(
            0 < inverse[index][index] < math.inf for index in range(len(inverse))
        )
        if not usable:
            return None
        self.unknowns, self.inverse, self.weight = unknowns, inverse, self.weight * left + 1
        return error

    def error(self, x: Sequence[float], y: float) -> float | None:
        """Of the prediction of `y`; nothing is learnt. None = the numbers are not finite."""
        found = y - _dot(self.unknowns, x)
        return found if math.isfinite(found) else None


def _dot(one: Sequence[float], other: Sequence[float]) -> float:
    return sum(each * beside for each, beside in zip(one, other, strict=True))
