# SPDX-License-Identifier: Apache-2.0
"""`pgood sim`: play with the world of a simulated board, by words or by a scenario file."""

from __future__ import annotations

import argparse
from pathlib import Path

from agent.cli.ask import add_state_dir, ask
from agent.cli.failure import EXIT_FAILED, Failure
from agent.cli.places import find_agent
from agent.profile.problem import ConfigError
from agent.sim.player import Player, ScenarioFailed
from agent.sim.scenario import load_scenario
from agent.sim.stage import SocketStage, StageError
from agent.sim.words import WORDS


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    width = max(len(form) for form, _ in WORDS if len(form) < 60)
    listed = "\n".join(f"  {form:<{width}}  {meaning}" for form, meaning in WORDS)
    parser = verbs.add_parser(
        "sim",
        help="play with the world of a simulated board",
        usage="pgood sim WORD... [--state-dir DIR]\n       pgood sim play FILE [--state-dir DIR]",
        description="Let something happen to a simulated board (docs/simulation.md).",
        epilog=f"words:\n{listed}\n  {'play FILE':<{width}}  play a scenario file, step by step",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("words", nargs="+", metavar="WORD", help="what happens; see below")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    match arguments.words:
        case ["play", file]:
            return _play(arguments, Path(file))
    print(ask(arguments, "sim", words=arguments.words)["text"])
    return 0


def _play(arguments: argparse.Namespace, file: Path) -> int:
    """Play a scenario on the agent that runs; its profile must be the scenario's."""
    try:
        scenario = load_scenario(file)
    except ConfigError as error:
        raise Failure(str(error)) from error
    profile = ask(arguments, "status")["documents"]["info"]["profile"]
    if profile != Path(scenario.profile).stem:
        raise Failure(f"{file}: is for the profile {scenario.profile!r}; this agent runs {profile!r}")
    if scenario.kills:
        raise Failure(f"{file}: kills the agent, and an agent that runs already is not killed (docs/simulation.md)")
    try:
        Player(scenario, SocketStage(find_agent(arguments.state_dir)), lambda line: print(line, flush=True)).play()
    except StageError as error:
        raise Failure(str(error)) from error
    except ScenarioFailed as failed:
        print(f"{scenario.name}: {failed}")
        return EXIT_FAILED
    print(f"{scenario.name}: good")
    return 0
