# SPDX-License-Identifier: Apache-2.0
"""Simulated backplanes for the tests of cold redundancy."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.agent.psu.backplane import Backplane

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


@pytest.fixture
def make() -> Iterator[Callable[..., Backplane]]:
    made: list[Backplane] = []

    def build(*args: object, **more: object) -> Backplane:
        made.append(Backplane(*args, **more))  # type: ignore[arg-type]
        made[-1].run(5)
        return made[-1]

    yield build
    for backplane in made:
        backplane.close()
