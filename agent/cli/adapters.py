# SPDX-License-Identifier: Apache-2.0
"""`pgood adapters`: which kinds of power adapter there are, and whether one works with the options it is given."""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

import msgspec

from agent.cli.failure import EXIT_FAILED, Failure
from agent.hardware.adapters import registry
from agent.hardware.adapters.conformance import check_adapter
from agent.hardware.adapters.interface import Ability, AdapterError, Surroundings
from agent.profile.check_adapters import PAGE
from agent.profile.decode import convert
from agent.profile.problem import dotted
from agent.profile.schema import Profile

if TYPE_CHECKING:
    import argparse

    from agent.hardware.adapters.conformance import Finding
    from agent.hardware.adapters.interface import AdapterKind, AdapterOptions

PLACE = "adapters.check"


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("adapters", help="list the kinds of power adapter, or try one")
    parser.set_defaults(run=_list)
    words = parser.add_subparsers(metavar="WORD")
    check = words.add_parser("check", help="start an adapter and read its sense; switches nothing")
    check.add_argument("kind", metavar="KIND")
    check.add_argument("--options", default="{}", metavar="JSON", help="its keys, as in [adapters.NAME] of a profile")
    check.set_defaults(run=_check)


def _list(arguments: argparse.Namespace) -> int:
    for found in registry.everything():
        print(f"{found.name}  ({found.origin})")
        if found.kind is None:
            print(f"    not usable: {found.error}")
            continue
        print(f"    {found.kind.summary}")
        print(f"    can: {', '.join(ability.value for ability in Ability if ability in found.kind.can)}")
        print(f"    options: {', '.join(_options(found.kind))}")
    return 0


def _options(kind: AdapterKind) -> list[str]:
    """`name` where it must be given, `name = default` where it may be."""
    shown = []
    for field in msgspec.structs.fields(kind.options):
        given = field.default is not msgspec.NODEFAULT or field.default_factory is not msgspec.NODEFAULT
        default = f" = {json.dumps(field.default, default=str)}" if field.default is not msgspec.NODEFAULT else " = ..."
        shown.append(field.encode_name + default if given else field.encode_name)
    return shown


def _check(arguments: argparse.Namespace) -> int:
    """Exit code 0 when every check is kept."""
    found = registry.find(arguments.kind)
    if found is None:
        raise Failure(f"no such kind of adapter: {arguments.kind!r}; there are: {', '.join(registry.names())}")
    if found.kind is None:
        raise Failure(found.error)
    options = _decoded(found.kind, arguments.options)
    try:
        findings = asyncio.run(_run(found.kind, options))
    except AdapterError as error:
        raise Failure(f"{error}: this kind needs the lines or buses of a board: try it with 'pgood run'") from error
    for finding in findings:
        print(f"{'good' if finding.good else 'BAD '}  {finding.name}{': ' if finding.text else ''}{finding.text}")
    return 0 if all(finding.good for finding in findings) else EXIT_FAILED


async def _run(kind: AdapterKind, options: AdapterOptions) -> list[Finding]:
    around = Surroundings(PLACE, Profile(schema=1, name="check"))
    kind.make(options, around)  # what cannot even be made is no finding
    return await check_adapter(PLACE, lambda: kind.make(options, around), timeout_s=options.timeout_s)


def _decoded(kind: AdapterKind, text: str) -> AdapterOptions:
    try:
        tree: Any = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise Failure(f"--options is no JSON: {error}") from error
    if not isinstance(tree, dict):
        raise Failure('--options is a JSON object, for example \'{"mac": "02:00:00:00:00:01"}\'')
    tree.pop("kind", None)
    options, problems = convert(tree, kind.options, PAGE)
    faults = list(kind.faults(options, Profile(schema=1, name="check"))) if options is not None else []
    wrong = [f"{dotted(problem.path)}: {problem.text}".removeprefix(": ") for problem in problems]
    wrong += [f"{key}: {fault}".removeprefix(": ") for key, fault in faults]
    if options is None or wrong:
        raise Failure("\n".join(wrong))
    return options
