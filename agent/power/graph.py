# SPDX-License-Identifier: Apache-2.0
"""Which domain needs which: orders and closures, and the errors of a graph that is none."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterable, Iterator, Mapping

    from agent.power.domain import Domain


def find_cycle(needs: Mapping[str, Collection[str]]) -> tuple[str, ...] | None:
    """A path that ends where it begins (`a, b, a`), or None. Names that are no keys have no needs."""
    done: set[str] = set()
    for start in needs:
        path: list[str] = []
        entered = {start}
        stack: list[tuple[str, Iterator[str]]] = [(start, iter(needs[start]))]
        path.append(start)
        while stack:
            name, rest = stack[-1]
            following = next((one for one in rest if one not in done), None)
            if following is None:
                stack.pop()
                path.pop()
                entered.discard(name)
                done.add(name)
            elif following in entered:
                return (*path[path.index(following) :], following)
            else:
                entered.add(following)
                path.append(following)
                stack.append((following, iter(needs.get(following, ()))))
    return None


class DomainGraph:
    """The domains of a board by name. Immutable; the profile was checked: no cycles, no unknown names."""

    def __init__(self, domains: Iterable[Domain]) -> None:
        self.domains = {domain.name: domain for domain in domains}
        self._dependents: dict[str, tuple[str, ...]] = {
            name: tuple(other.name for other in self.domains.values() if name in other.needs) for name in self.domains
        }

    def needs(self, name: str) -> tuple[str, ...]:
        """What it needs directly."""
        return self.domains[name].needs

    def dependents(self, name: str) -> tuple[str, ...]:
        """What needs it directly."""
        return self._dependents[name]

    def with_needs(self, names: Iterable[str]) -> tuple[str, ...]:
        """These and all that they need, needs first."""
        return self._closure(names, self.needs)

    def with_dependents(self, names: Iterable[str]) -> tuple[str, ...]:
        """These and all that needs them, dependents first."""
        return self._closure(names, self.dependents)

    def _closure(self, names: Iterable[str], before: Callable[[str], tuple[str, ...]]) -> tuple[str, ...]:
        order: dict[str, None] = {}
        pending = [(name, False) for name in reversed(tuple(names))]
        while pending:
            name, entered = pending.pop()
            if name in order:
                continue
            if entered:
                order[name] = None
            else:
                pending.append((name, True))
                pending += [(other, False) for other in reversed(before(name)) if other not in order]
        return tuple(order)
