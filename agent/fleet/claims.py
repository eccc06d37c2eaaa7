# SPDX-License-Identifier: Apache-2.0
"""Who holds a lease, decided by each claimant for itself from what all say on one topic of a plain broker. Pure.

A broker keeps no leases. It passes the messages of one topic on to all in one order, and that is enough:

- A claimant claims when it has listened for longer than any claim lasts, and none that it heard of another is younger;
  or when it holds the lease (it renews).
- Its claim holds only once it came back to it, and only if it heard of no other claim from the decision on until then,
  but while it held the lease already.
- A claim lasts from *before* it was sent, on the claimant's own clock; for the others from when they heard of it.

Of two claims the later one in the broker's order either was decided after the earlier one had ended, or its claimant
hears of the earlier one before its own comes back. However late messages are, there are never two holders. It needs:
one order for all (one broker, not several that copy to each other), no claim lost on a standing subscription, clocks
that run wrong by less than `DRIFT`, and the same duration for all who share a lease.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

import msgspec

DRIFT = 0.01
"""No clock is faster or slower than true time by more than this part."""
MISSED = 16
"""So many revisions may have been given while this claimant heard nothing, by a broker that forgot them since."""
MEMORY = 64
"""So many claimants are told apart; more are one crowd that gives nothing back."""
LONGEST_MS = 3_600_000
MAX_BYTES = 1024
HIGHEST = 2**62

Count = Annotated[int, msgspec.Meta(ge=0, le=HIGHEST)]


class Claim(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What goes over the topic."""

    claimant: Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
    """Another one for each start of a program."""
    number: Count
    """Rises with each claim of the claimant."""
    revision: Count
    duration_ms: Annotated[int, msgspec.Meta(ge=0, le=LONGEST_MS)]
    """0 = given back: none of this claimant's claims so far holds any more."""


_DECODER = msgspec.json.Decoder(Claim)


def claims_topic(base: str, lease: str) -> str:
    """Where the claims of a lease go; `+` stands for every lease."""
    return f"{base}/lease/{lease}"


def read_claim(payload: bytes) -> Claim | None:
    """None for whatever is no claim."""
    if len(payload) > MAX_BYTES:
        return None
    try:
        return _DECODER.decode(payload)
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


@dataclass(frozen=True, slots=True)
class Hold:
    """Until `until_ns` on the claimant's clock, and not a moment longer."""

    revision: int
    until_ns: int


@dataclass(slots=True)
class _Pending:
    claim: Claim
    until_ns: int
    void: bool = False


@dataclass(slots=True)
class _Rival:
    number: int
    until_ns: int


@dataclass(slots=True)
class Claims:
    """One claimant's view of one lease. Times are of its own monotonic clock, in ns."""

    claimant: str
    duration_ns: int
    hold: Hold | None = None
    malformed: int = 0
    _pending: _Pending | None = None
    _rivals: dict[str, _Rival] = field(default_factory=dict)
    _silence_ns: int | None = None
    """None = not subscribed; else when everything from before the subscription has ended."""
    _crowd_ns: int = 0
    _number: int = 0
    _highest: int = 0

    def subscribed(self, now_ns: int) -> None:
        """From here on every claim is heard."""
        self._silence_ns = now_ns + self._surely_ns(self.duration_ns)

    def cut_off(self) -> None:
        """Claims may be missed; one under way is given up. What is held, is held until its end.

        A broker that dies may have told a claim to its claimant alone: the next one here must be above that, too.
        """
        if self.listening:
            self._highest += MISSED
        self._silence_ns, self._pending = None, None

    def give_up(self) -> None:
        """A claim did not come back in time: it never holds, whenever it comes."""
        self._pending = None

    def holds(self, now_ns: int) -> Hold | None:
        """By the claimant's own clock."""
        return self.hold if self.hold is not None and now_ns < self.hold.until_ns else None

    @property
    def under_way(self) -> bool:
        """Whether a claim was made and has not come back."""
        return self._pending is not None

    @property
    def spent(self) -> bool:
        """Nobody can claim any more: only a forged claim has such a revision."""
        return self._highest >= HIGHEST

    @property
    def listening(self) -> bool:
        return self._silence_ns is not None

    def free_ns(self) -> int:
        """When the lease may be claimed, if nobody else claims it before; 0 if not subscribed."""
        latest = max((one.until_ns for one in self._rivals.values()), default=0)
        return max(self._silence_ns or 0, self._crowd_ns, latest)

    def claim(self, now_ns: int, above: int = 0) -> Claim | None:
        """Decide to claim or to renew: send it at once. None while another may hold it, or one is under way.

        `above`: a revision that was used before and need not be known here; it is the caller's word.
        """
        if self._silence_ns is None or self._pending is not None:
            return None
        held = self.holds(now_ns)
        if held is None and now_ns < self.free_ns():
            return None
        revision = held.revision if held is not None and held.revision > above else max(self._highest, above) + 1
        if revision > HIGHEST:
            return None
        self._highest = max(self._highest, revision)
        claim = self._next(revision, self.duration_ns // 1_000_000)
        self._pending = _Pending(claim, now_ns + round(self.duration_ns * (1 - DRIFT)))
        return claim

    def give_back(self, now_ns: int) -> Claim | None:
        """What tells the others that nothing is held any more; None if nothing was."""
        held = self.holds(now_ns)
        if held is None and self._pending is None:
            return None
        self.hold, self._pending = None, None
        return self._next(self._highest, 0)

    def hear(self, payload: bytes, now_ns: int) -> None:
        """A message of the topic, of whomever, in the order in which it came."""
        claim = read_claim(payload)
        if claim is None:
            self.malformed += 1
        elif claim.claimant == self.claimant:
            self._came_back(claim, now_ns)
        else:
            self._rival(claim, now_ns)

    def _came_back(self, claim: Claim, now_ns: int) -> None:
        pending = self._pending
        if pending is None or claim != pending.claim:
            return
        self._pending = None
        if not pending.void and now_ns < pending.until_ns:
            self.hold = Hold(claim.revision, pending.until_ns)

    def _rival(self, claim: Claim, now_ns: int) -> None:
        self._highest = max(self._highest, claim.revision)
        known = self._rivals.get(claim.claimant)
        if known is not None and claim.number <= known.number:
            return  # retained, or told twice: it was heard before
        if self._pending is not None and claim.duration_ms and self.holds(now_ns) is None:
            self._pending.void = True
        lasts_ns = self._surely_ns(claim.duration_ms * 1_000_000) if claim.duration_ms else 0
        if known is None and len(self._rivals) >= MEMORY:
            self._forget(now_ns)
        self._rivals[claim.claimant] = _Rival(claim.number, now_ns + lasts_ns)

    def _forget(self, now_ns: int) -> None:
        """The oldest one; what it may still hold goes to the crowd."""
        oldest = min(self._rivals, key=lambda name: self._rivals[name].until_ns)
        self._crowd_ns = max(self._crowd_ns, self._rivals.pop(oldest).until_ns)

    def _next(self, revision: int, duration_ms: int) -> Claim:
        self._number += 1
        return Claim(claimant=self.claimant, number=self._number, revision=revision, duration_ms=duration_ms)

    def _surely_ns(self, duration_ns: int) -> int:
        """How long another's claim may last on the clock here."""
        return round(max(duration_ns, self.duration_ns) * (1 + 2 * DRIFT))
