# SPDX-License-Identifier: Apache-2.0
"""The actuator's thread as the controller uses it: recovered, written when it is time to, read back, given back."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING, TypeVar

from agent.energy.actuators.interface import Answer, Applied
from agent.energy.cadence import Written, due

if TYPE_CHECKING:
    from collections.abc import Callable

    from agent.energy.actuators.held import Held
    from agent.hardware.port_thread import PortThread

T = TypeVar("T")

log = logging.getLogger(__name__)

WRITE_S = 140.0
"""Beyond the longest deadline of a remote BMC's adapter, which says what is wrong."""
GIVE_BACK_S = 10.0
"""What takes longer at the end, the next agent does: the restore file says how."""


class CapWriter:
    """Used on the loop's thread."""

    def __init__(self, cap: PortThread[Held], rivals: Callable[[], str], apply_s: float) -> None:
        """`rivals` says who else sets the same; called on the actuator's thread."""
        self._cap = cap
        self._rivals = rivals
        self._apply_s = apply_s
        self._written: Written | None = None
        self._closing = False

    async def recover(self) -> tuple[Applied, ...]:
        """Give back what an agent before this one left."""
        try:
            return await self._cap.call(lambda held: held.recover(), WRITE_S)
        except (OSError, TimeoutError) as error:
            log.error("energy: %s", error)
        except Exception:  # an actuator that breaks its promise
            log.exception("energy: what an earlier agent left is not given back")
        return ()

    async def range_w(self) -> tuple[float, float] | None:
        """Raises OSError, TimeoutError."""
        return await self._cap.call(lambda held: held.range_w(), WRITE_S)

    def is_due(self, cap_w: float, now_ns: int) -> bool:
        return due(self._written, cap_w, now_ns, self._apply_s)

    def is_new(self, cap_w: float) -> bool:
        """Whether it is another one than the last that was written."""
        return self._written is None or self._written.cap_w != cap_w

    async def write(self, cap_w: float, now_ns: int) -> Applied | str:
        """The answer; a text says who else sets the same, and was given the field."""
        try:
            answer = await self._cap.call(lambda held: self._apply(held, cap_w), WRITE_S)
        except (OSError, TimeoutError) as error:
            answer = Applied(Answer.REFUSED, cap_w, None, str(error))
        except Exception as error:  # an actuator that breaks its promise
            log.exception("energy")
            answer = Applied(Answer.REFUSED, cap_w, None, f"{type(error).__name__}: {error}")
        self._written = Written(cap_w, Answer.FORBIDDEN if isinstance(answer, str) else answer.answer, now_ns)
        return answer

    async def beside(self, work: Callable[[], T]) -> T:
        """Something else on the same thread. Raises OSError, TimeoutError; always, once everything is given back."""
        if self._closing:
            raise OSError(errno.ESHUTDOWN, "the agent ends")
        return await self._cap.call(lambda held: work())

    async def close(self) -> None:
        """Give everything back as it was found. Raises nothing."""
        self._closing = True
        try:
            await self._cap.call(lambda held: held.close(), GIVE_BACK_S)
        except (OSError, TimeoutError) as error:
            log.error("energy: limits are not given back (%s): the next agent does it", error)
        except Exception:  # an actuator that breaks its promise
            log.exception("energy: limits are not given back: the next agent does it")
        finally:
            self._cap.close()

    def _apply(self, held: Held, cap_w: float) -> Applied | str:
        """On the actuator's thread. Who else sets the same is given the field, as it was found."""
        rivals = self._rivals()
        if rivals:
            held.close()
            return rivals
        return held.apply(cap_w)
