# SPDX-License-Identifier: Apache-2.0
"""Faults of a simulated I2C bus: stuck, refusing at random, corrupting at random. Seeded, so that tests repeat."""

from __future__ import annotations

import errno
import os
import random
from dataclasses import dataclass, field


@dataclass
class BusFaults:
    """Rates are parts of all transactions, 0 to 1. A read with a wrong byte is noticed only with a PEC."""

    stuck: bool = False
    nack_rate: float = 0.0
    pec_error_rate: float = 0.0
    transactions: int = 0
    chance: random.Random = field(default_factory=lambda: random.Random(1))

    def strike(self, pec: bool) -> None:
        """Count a transaction, and let it fail as the kernel would. Raises OSError."""
        self.transactions += 1
        if self.stuck:
            raise _error(errno.ETIMEDOUT)
        if self.nack_rate and self.chance.random() < self.nack_rate:
            raise _error(errno.EREMOTEIO)
        if pec and self.pec_error_rate and self.chance.random() < self.pec_error_rate:
            raise _error(errno.EBADMSG)


def _error(number: int) -> OSError:
    return OSError(number, os.strerror(number))
