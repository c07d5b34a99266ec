"""Whether stated probabilities are what comes true."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class CalibrationCurve:
    """Answers in classes of stated probability; empty classes are left out.

    Attributes:
        stated: (K,) mean probability of a class.
        observed: (K,) share of its answers that were right.
        amount: (K,) answers.
    """

    stated: Floats
    observed: Floats
    amount: NDArray[np.int64]

    @property
    def error(self) -> float:
        """Mean distance of both over all answers (expected calibration error); 0 without any."""
        if not len(self.amount):
            return 0.0
        return float(np.average(np.abs(self.stated - self.observed), weights=self.amount))


def calibration_curve(
    probabilities: Floats, correct: NDArray[np.bool_], classes: int = 10
) -> CalibrationCurve:
    """The curve of answers.

    Args:
        probabilities: (N,) stated, 0..1.
        correct: (N,) what came true.
        classes: of equal width.
    """
    which = np.minimum((probabilities * classes).astype(np.int64), classes - 1)
    amount = np.bincount(which, minlength=classes)
    used = amount > 0
    stated = np.bincount(which, probabilities, classes)[used] / amount[used]
    observed = np.bincount(which, correct.astype(np.float64), classes)[used] / amount[used]
    return CalibrationCurve(stated, observed, amount[used])
