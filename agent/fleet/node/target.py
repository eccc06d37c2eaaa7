# SPDX-License-Identifier: Apache-2.0
"""Actual state against target state of one machine: pure decisions. Time and events go in, actions come out.

The same machine serves a node, which runs on the machine it shuts down, and a host wired to a board. It reports first
and obeys then; it goes to sleep only while nothing stands against it, after its intent is on the disk and its last
report has come back from the broker. Whatever fails ends in `up`, with a reason, and is tried again later.
"""

from __future__ import annotations

import enum
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import msgspec

from agent.fleet.node.actions import Action, Happening, Persist, Publish, Sleep, Tell, Wake
from agent.fleet.node.desired import take
from agent.fleet.node.documents import Direction, Report, condition
from agent.fleet.node.refusal import Refusal

if TYPE_CHECKING:
    from agent.fleet.node.desired import Remembered
    from agent.fleet.node.documents import Condition, Target
    from agent.fleet.node.guards import Standing

NS_PER_S = 1_000_000_000


class Phase(enum.Enum):
    """How far the machine is."""

    RESTING = "resting"
    """It does nothing; whether it is on or off is what was seen."""
    ASKING = "asking"
    """It asks another node of the segment to stay awake meanwhile."""
    INTENT = "intent"
    """It waits until the disk has its intent."""
    LAST_REPORT = "last-report"
    """It waits until its last report has come back."""
    SLEEPING = "sleeping"
    """It was told to go down."""
    WAKING = "waking"
    """The host was told to come up."""


@dataclass(frozen=True, slots=True)
class TargetSettings:
    """`own`: the machine runs this program itself. `again`: a target that was reached once holds on after that.

    Without `again` a host that a person switched on stays on until somebody writes a new target.
    """

    own: bool
    again: bool
    needs_witness: bool
    orders: int
    """So many times a machine is told to go down, or up, per revision."""
    stays: bool = False
    """It never goes down, whatever its target: a target acts on a board's hosts."""
    ask_ns: int = 30 * NS_PER_S
    intent_ns: int = 20 * NS_PER_S
    last_report_ns: int = 30 * NS_PER_S
    down_ns: int = 300 * NS_PER_S
    up_ns: int = 300 * NS_PER_S
    repeat_report_ns: int = 10 * NS_PER_S
    retry_ns: int = 60 * NS_PER_S
    """The pause after a failure; it doubles with each, up to `max_retry_ns`."""
    max_retry_ns: int = 900 * NS_PER_S


OWN_NODE = TargetSettings(own=True, again=True, needs_witness=True, orders=5)
HOST_OF_A_BOARD = TargetSettings(own=False, again=False, needs_witness=False, orders=1)
"""One press per revision: a press is never repeated by itself."""
BOARD = TargetSettings(own=False, again=False, needs_witness=False, orders=0, stays=True)
"""A board among the nodes that it wakes."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Who reports. `macs` are those that a magic packet wakes."""

    node: str
    segment: str
    boot: str


@dataclass(frozen=True, slots=True)
class Around:
    """What the caller sees now. `actual` is None while power cannot be sensed; a node itself is always up."""

    actual: Direction | None = Direction.UP
    unable: str = ""
    """Why the machine could not be woken again; empty = its wake path is proven."""
    standing: tuple[Standing, ...] = ()
    promised_until_ns: int | None = None
    """Until when another node has promised to stay awake."""
    macs: tuple[str, ...] = ()
    wakes: tuple[str, ...] = ()
    """Nodes that this board could switch on."""


@dataclass(frozen=True, slots=True)
class Machine:
    """One machine. Methods return the next one; `step` also what is to be done now, in order."""

    identity: Identity
    settings: TargetSettings
    remembered: Remembered
    unsaved: bool = True
    phase: Phase = Phase.RESTING
    heard: bool = False
    """A target has arrived since the start: what is remembered from before is not obeyed."""
    rival: str = ""
    """The boot of another machine that reports under this name."""
    actual: Direction | None = None
    last_known: Direction | None = None
    """`actual`, without the times in which power could not be sensed."""
    on_since_ns: int | None = None
    """When it was first seen up as its target wanted; it has not been down since."""
    until_ns: int | None = None
    retry_ns: int | None = None
    failures: int = 0
    reason: str = ""
    said: Report | None = None
    said_ns: int = 0
    echoed: int = 0
    """The highest number of this start's reports that has come back from the broker."""
    number: int = 0

    @classmethod
    def started(cls, identity: Identity, settings: TargetSettings, remembered: Remembered) -> Machine:
        """After every start of the program, with what the disk has. Report first: nothing else happens before."""
        ordered = 0 if settings.own else remembered.ordered
        return cls(identity, settings, replace(remembered, start=remembered.start + 1, ordered=ordered, slept=False))

    # ------------------------------------------------------------------ events

    def take(self, document: Target) -> tuple[Machine, Refusal | None]:
        """A target has arrived. A refused one changes nothing."""
        known = take(self.remembered, document)
        if isinstance(known, Refusal):
            return self, known
        if known == self.remembered:
            return replace(self, heard=True), None
        fresh = replace(self, heard=True, remembered=known, unsaved=True)
        return replace(fresh, failures=0, retry_ns=None), None

    def echo(self, report: Report, *, retained: bool) -> Machine:
        """A report under our own name has come from the broker."""
        ours, start = report.boot == self.identity.boot, self.remembered.start
        if ours and report.start == start and not (retained and self._forgotten(report)):
            return replace(self, echoed=max(self.echoed, min(report.number, self.number)))
        if report.start < start:
            return self  # from before this start
        # The disk has forgotten how often we started: what the broker has kept comes before our own words come back.
        if retained and (ours or not self.echoed):
            ahead = replace(self.remembered, start=report.start + 1)
            return replace(self, remembered=ahead, unsaved=True, said=None, echoed=0)
        return self if ours else replace(self, rival=report.boot)

    def _forgotten(self, report: Report) -> bool:
        """Said by this machine in an earlier start with the same number: the disk was lost and no boot came between."""
        same = self.said is not None and report.number == self.said.number
        return report.number > self.number or (same and report != self.said)

    def persisted(self, remembered: Remembered) -> Machine:
        """This is on the disk now."""
        if self.phase is not Phase.INTENT or remembered != self.remembered:
            return self
        following = Phase.LAST_REPORT if remembered.target is Direction.DOWN else Phase.WAKING
        return replace(self, phase=following, until_ns=None)

    def refused(self, why: str, now_ns: int) -> tuple[Machine, list[Action]]:
        """It was told to go down or up, and that was refused or has failed: the rest of its time is not waited for."""
        actions: list[Action] = []
        told = self.phase is Phase.SLEEPING or (self.phase is Phase.WAKING and self.until_ns is not None)
        if not told:
            return self, actions
        what = "go down" if self.phase is Phase.SLEEPING else "come up"
        return self._failed(f"it was told to {what}, and that ended: {why}"[:300], now_ns, actions), actions

    def resumed(self) -> Machine:
        """The operating system went on after a suspend: a new start. The caller subscribes anew to the target."""
        return replace(Machine.started(self.identity, self.settings, self.remembered), number=self.number)

    def hurried(self) -> Machine:
        """The broker is reached again: a report that has not come back is due at once."""
        return replace(self, said_ns=self.said_ns - self.settings.repeat_report_ns)

    @property
    def deadline_ns(self) -> int | None:
        """When `step` is due at the latest, besides any event."""
        waiting = self.said is not None and self.echoed < self.said.number
        repeat_ns = self.said_ns + self.settings.repeat_report_ns if waiting else None
        return min((due for due in (self.until_ns, self.retry_ns, repeat_ns) if due is not None), default=None)

    @property
    def target(self) -> Direction | None:
        """What is wanted, as far as it was heard since the start."""
        return self.remembered.target if self.heard else None

    @property
    def condition(self) -> Condition:
        return condition(self.actual, self.target)

    @property
    def taken(self) -> str:
        """Who else has its name, with the cure; empty = nobody."""
        if not self.rival:
            return ""
        return f"another machine reports as {self.identity.node}, with boot {self.rival}: give one of them another name"

    @property
    def settled(self) -> bool:
        """It is up, has reported, and has not begun to go down."""
        return self.actual is Direction.UP and self.phase is Phase.RESTING and self.echoed > 0

    # ------------------------------------------------------------------ decisions

    def step(self, now_ns: int, around: Around) -> tuple[Machine, list[Action]]:
        """Decide. Call it after every event and at `deadline_ns`."""
        machine = self._seen(around.actual, now_ns)
        if machine.retry_ns is not None and now_ns >= machine.retry_ns:
            machine = replace(machine, retry_ns=None)
        actions: list[Action] = []
        if around.actual is Direction.UP:
            machine = machine._while_up(now_ns, around, actions)
        elif around.actual is Direction.DOWN:
            machine = machine._while_down(now_ns, actions)
        if machine.unsaved:
            actions.append(Persist(machine.remembered))
            machine = replace(machine, unsaved=False)
        return machine._report(now_ns, around, actions), actions

    def _seen(self, actual: Direction | None, now_ns: int) -> Machine:
        """Take in what is seen: the machine came up, went down, or its target is reached."""
        machine = replace(self, actual=actual)
        if actual is not None and actual is not self.last_known:
            fresh = replace(machine, last_known=actual, phase=Phase.RESTING, until_ns=None, retry_ns=None, reason="")
            machine = replace(fresh, on_since_ns=None) if actual is Direction.DOWN else fresh
        known = machine.remembered
        if not machine.heard or actual is None or known.target is not actual:
            return machine
        if actual is Direction.UP and machine.on_since_ns is None:
            machine = replace(machine, on_since_ns=now_ns)
        if known.reached != known.revision:
            machine = replace(machine, remembered=replace(known, reached=known.revision), unsaved=True)
        return machine

    def _wants(self, direction: Direction) -> bool:
        """Whether there is something to do. A target that was reached before is pursued only `again`."""
        known = self.remembered
        fresh = self.settings.again or known.reached != known.revision
        return self.heard and self.echoed > 0 and known.target is direction and fresh

    def _diverted(self, direction: Direction, text: str) -> str:
        """Why nothing is done although the target is `direction`: it was reached, and changed from outside."""
        return text if self.heard and self.echoed > 0 and self.remembered.target is direction else ""

    def _while_up(self, now_ns: int, around: Around, actions: list[Action]) -> Machine:
        if self.phase is Phase.SLEEPING:
            late = self.until_ns is not None and now_ns >= self.until_ns
            return self._failed("it was told to go down and did not", now_ns, actions) if late else self
        if not self._wants(Direction.DOWN):
            return self._calm(self._diverted(Direction.DOWN, "it was down, and somebody else has switched it on"))
        stands = self._against(around)
        if stands:
            return self._calm(stands)
        if self.until_ns is not None and now_ns >= self.until_ns:
            return self._failed(LATE[self.phase], now_ns, actions)
        match self.phase:
            case Phase.RESTING if self.settings.needs_witness:
                return replace(self, phase=Phase.ASKING, until_ns=now_ns + self.settings.ask_ns, reason="")
            case Phase.RESTING:
                return self._intend(now_ns)
            case Phase.ASKING if _holds(around, now_ns):
                return self._intend(now_ns)
            case Phase.LAST_REPORT if self.until_ns is None:
                return replace(self, until_ns=now_ns + self.settings.last_report_ns)
            case Phase.LAST_REPORT if self.said is not None and self.said.last and self.echoed >= self.said.number:
                return self._sleep(now_ns, around, actions)
        return self

    def _against(self, around: Around) -> str:
        """What keeps it from going down; empty = nothing."""
        if self.settings.stays:
            return "a board stays up: targets are for its hosts"
        if self.rival:
            return self.taken
        if around.unable:
            return f"it cannot be woken: {around.unable}"
        if around.standing:
            return around.standing[0].text
        if self.phase in (Phase.RESTING, Phase.ASKING) and self.remembered.ordered >= self.settings.orders:
            return f"told to go down {self.remembered.ordered} times, and not again for this revision"
        if self.retry_ns is not None:
            return self.reason or "it waits before it tries again"
        return ""

    def _sleep(self, now_ns: int, around: Around, actions: list[Action]) -> Machine:
        if self.settings.needs_witness and not _holds(around, now_ns):
            return self._failed("the promise of the other node has run out", now_ns, actions)
        actions.append(Sleep(f"target down, revision {self.remembered.revision}"))
        return replace(self, phase=Phase.SLEEPING, until_ns=now_ns + self.settings.down_ns)

    def _while_down(self, now_ns: int, actions: list[Action]) -> Machine:
        if not self._wants(Direction.UP):
            reason = self._diverted(Direction.UP, "it was up, and went down without being told")
            return replace(self, phase=Phase.RESTING, until_ns=None, reason=reason)
        if self.phase is Phase.WAKING and self.until_ns is None:
            actions.append(Wake(f"target up, revision {self.remembered.revision}"))
            return replace(self, until_ns=now_ns + self.settings.up_ns)
        if self.until_ns is not None and now_ns >= self.until_ns:
            return self._failed(LATE[self.phase], now_ns, actions)
        spent = self.remembered.ordered >= self.settings.orders
        if self.phase is Phase.RESTING and not spent and self.retry_ns is None:
            return self._intend(now_ns)
        return self

    def _intend(self, now_ns: int) -> Machine:
        known = self.remembered
        intent = replace(known, ordered=known.ordered + 1, slept=known.target is Direction.DOWN)
        until_ns = now_ns + self.settings.intent_ns
        return replace(self, phase=Phase.INTENT, remembered=intent, unsaved=True, until_ns=until_ns, reason="")

    def _calm(self, reason: str) -> Machine:
        """Stay as it is. What was intended and not yet ordered does not count."""
        calm = replace(self, phase=Phase.RESTING, until_ns=None, reason=reason)
        known = self.remembered
        if self.phase in (Phase.INTENT, Phase.LAST_REPORT):
            back = replace(known, ordered=max(known.ordered - 1, 0), slept=False)
            return replace(calm, remembered=back, unsaved=True)
        if known.slept:
            return replace(calm, remembered=replace(known, slept=False), unsaved=True)
        return calm

    def _failed(self, why: str, now_ns: int, actions: list[Action]) -> Machine:
        """It did not work: stay as seen, say why, and try again later."""
        pause_ns = min(self.settings.retry_ns << min(self.failures, 20), self.settings.max_retry_ns)
        if self.phase in (Phase.SLEEPING, Phase.WAKING):
            happening = Happening.NOT_AWAKE if self.phase is Phase.WAKING else Happening.NOT_ASLEEP
            actions.append(Tell(happening, self.identity.node, why))
        return replace(self._calm(why), failures=self.failures + 1, retry_ns=now_ns + pause_ns)

    # ------------------------------------------------------------------ reports

    def _report(self, now_ns: int, around: Around, actions: list[Action]) -> Machine:
        """Say what is new; repeat what has not come back."""
        if self.phase is Phase.SLEEPING and self.settings.own:
            return self  # the last report stays the last
        content = self._content(around)
        if self.said is None or content != msgspec.structs.replace(self.said, number=1):
            said = msgspec.structs.replace(content, number=self.number + 1)
            actions.append(Publish(said, retain=True))
            return replace(self, said=said, said_ns=now_ns, number=said.number)
        if self.echoed < self.said.number and now_ns >= self.said_ns + self.settings.repeat_report_ns:
            actions.append(Publish(self.said, retain=True))
            return replace(self, said_ns=now_ns)
        return self

    def _content(self, around: Around) -> Report:
        last = self.phase is Phase.LAST_REPORT
        known = self.remembered
        state = Direction.DOWN if last and self.settings.own else self.actual
        target = self.target
        return Report(
            node=self.identity.node,
            segment=self.identity.segment,
            boot=self.identity.boot,
            start=known.start,
            number=1,
            state=state,
            condition=condition(state, target),
            target=target,
            revision=known.revision,
            reason=self.reason[:300],
            able=not around.unable,
            last=last,
            sends=self.settings.own,
            macs=around.macs,
            wakes=around.wakes,
        )


LATE: dict[Phase, str] = {
    Phase.ASKING: "no other node of the segment has promised to stay awake",
    Phase.INTENT: "the intent could not be kept on the disk",
    Phase.LAST_REPORT: "the last report has not come back from the broker",
    Phase.WAKING: "it was switched on and did not come up",
}
"""Why a step took too long."""


def _holds(around: Around, now_ns: int) -> bool:
    return around.promised_until_ns is not None and now_ns < around.promised_until_ns
