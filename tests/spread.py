# SPDX-License-Identifier: Apache-2.0
"""How pytest-xdist spreads the tests: file by file, but the long ones that share nothing one by one."""

from __future__ import annotations

from typing import TYPE_CHECKING

from xdist.scheduler import LoadFileScheduling

if TYPE_CHECKING:
    import pytest
    from xdist.remote import Producer

ONE_BY_ONE = ("tests/scenarios/", "tests/clients/test_profiles.py", "tests/clients/test_adapters.py")
"""Every test in these starts an agent of its own."""


class Spread(LoadFileScheduling):  # type: ignore[misc]  # xdist has no types
    """Tests of one file share its fixtures, so they stay on one worker."""

    def _split_scope(self, nodeid: str) -> str:
        return nodeid if nodeid.startswith(ONE_BY_ONE) else super()._split_scope(nodeid)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Producer) -> Spread:
    return Spread(config, log)
