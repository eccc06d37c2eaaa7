# SPDX-License-Identifier: Apache-2.0
"""`pgood wire HOST`: checks the wires of a host together with whoever made them (safety rules 10 and 11).

First power-good is watched while the person switches the machine by hand; nothing is driven. Then, and only on an
explicit yes, the board is armed and makes one press that was announced.
"""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, ask
from agent.cli.failure import EXIT_FAILED, Failure
from agent.cli.line_watch import LineWatch
from agent.cli.terminal import Terminal
from agent.commission.press_check import check_press
from agent.commission.sense_check import FLOATING, Machine, check_sense

if TYPE_CHECKING:
    import argparse

    from agent.commission.sense_check import Finding

WATCH_S = 10.0
ARMED_WITHIN_S = 60.0
POLL_S = 0.1


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser(
        "wire", help="check the wires of a host, step by step, with one announced press at the end"
    )
    parser.add_argument("host", nargs="?", default="0", metavar="HOST", help="name of the host (default: 0)")
    parser.add_argument("--yes", action="store_true", help="ask nothing: only watch power-good, and press nothing")
    parser.add_argument(
        "--watch", type=float, default=WATCH_S, metavar="S", help=f"with --yes: watch so long (default: {WATCH_S:g} s)"
    )
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    terminal = Terminal()
    wiring = ask(arguments, "wiring", name=arguments.host)
    terminal.say(f"Wiring check of host {wiring['host']}")
    terminal.say()
    terminal.say(f"1. Power-good: line {_named(wiring, 'power_good')}. Nothing is driven in this step.")
    if arguments.yes or not sys.stdin.isatty():
        return _only_watch(arguments, wiring, terminal)
    if not _tell(terminal, _check_sense(arguments, wiring, terminal)):
        return EXIT_FAILED
    if not wiring["power_button"]:
        terminal.say("The profile has no power button for this host: the check is complete.")
        return 0
    if not (wiring["armed"] or _arm(arguments, terminal)):
        terminal.say("Not armed; nothing was driven. The inputs are checked, the outputs are not.")
        return EXIT_FAILED
    return _check_press(arguments, wiring, terminal)


def _named(wiring: dict[str, Any], key: str) -> str:
    where = wiring[f"{key}_at"]
    return f"{wiring[key]} ({where})" if where else str(wiring[key])


def _tell(terminal: Terminal, finding: Finding) -> bool:
    terminal.say(f"  {'GOOD' if finding.good else 'WRONG'}: {finding.text}.")
    for cure in finding.cures:
        terminal.say(f"    - {cure}")
    terminal.say()
    return finding.good


def _only_watch(arguments: argparse.Namespace, wiring: dict[str, Any], terminal: Terminal) -> int:
    """Without a person: what the line shows, and whether it floats."""
    seen = LineWatch(arguments, wiring["power_good"], terminal.say).for_a_while(max(0.5, arguments.watch))
    terminal.say(f"  {wiring['power_good']} {seen.text}.")
    if seen.noisy:
        _tell(terminal, FLOATING)
        return EXIT_FAILED
    terminal.say("  Whether it follows the machine only a person can tell: run this in a terminal, without --yes.")
    return 0


# ---------------------------------------------------------------------- step 1: power-good


def _check_sense(arguments: argparse.Namespace, wiring: dict[str, Any], terminal: Terminal) -> Finding:
    watch = LineWatch(arguments, wiring["power_good"], terminal.say)
    answers = [machine.value for machine in Machine]
    before = Machine(terminal.choose("  Look at the machine: is it on, off or asleep?", answers))
    seen_before = watch.for_a_while()
    terminal.say(f"  {wiring['power_good']} {seen_before.text}.")
    other = "off, by its own menu or button" if before is Machine.ON else "on, by its own button"
    terminal.say(f"  Now switch it {other}, and press Enter when it is done. Until then this is what the line does:")
    terminal.until_enter(watch.look)
    after = Machine(terminal.choose("  And now: is it on, off or asleep?", answers))
    seen_after = watch.for_a_while()
    terminal.say(f"  {wiring['power_good']} {seen_after.text}.")
    return check_sense((before, seen_before), (after, seen_after), bool(wiring["led"]))


# ---------------------------------------------------------------------- step 2: arming


def _arm(arguments: argparse.Namespace, terminal: Terminal) -> bool:
    """Whether the board is armed afterwards. Raises Failure."""
    terminal.say("2. The board only observes so far. Armed, it takes its output lines; that alone presses nothing.")
    if terminal.ask("  Type yes to arm it, anything else to stop here:") != "yes":
        return False
    terminal.say(f"  {ask(arguments, 'arm')['text']}.")
    deadline_s = time.monotonic() + ARMED_WITHIN_S
    while time.monotonic() < deadline_s:
        time.sleep(POLL_S)
        try:
            if ask(arguments, "wiring", name=arguments.host)["armed"] and _state(arguments) != "unknown":
                terminal.say("  The agent is back, and armed.")
                terminal.say()
                return True
        except Failure:
            continue  # it is restarting
    raise Failure(f"the agent did not come back within {ARMED_WITHIN_S:g} s: look at its log")


def _state(arguments: argparse.Namespace) -> str:
    return str(ask(arguments, "status")["documents"][f"host/{arguments.host}/state"]["state"])


# ---------------------------------------------------------------------- step 3: one press


def _check_press(arguments: argparse.Namespace, wiring: dict[str, Any], terminal: Terminal) -> int:
    state, width_ms = _state(arguments), wiring["power_press_ms"]
    if state not in ("on", "off"):
        raise Failure(
            f"host {wiring['host']} is {state}: the press is made from on or off only; switch it by hand first"
        )
    action = "on" if state == "off" else "soft-off"
    terminal.say(
        f"3. One press of {_named(wiring, 'power_button')}, for {width_ms} ms. The machine is {state}, so that"
    )
    if action == "on":
        within_s = wiring["power_on_timeout_ms"] / 1000
        terminal.say(f"  it will start: {wiring['power_good']} must come within {within_s:g} s.")
    else:
        within_s = wiring["soft_off_timeout_ms"] / 1000
        terminal.say("  its operating system will be asked to SHUT DOWN. Save your work there first.")
        terminal.say(f"  {wiring['power_good']} must go off within {within_s:g} s.")
    terminal.say("  The button will not be pressed again, whatever happens.")
    if (
        terminal.ask(f"  Type the name of the host ({wiring['host']}) to press, anything else to stop here:")
        != wiring["host"]
    ):
        terminal.say("Nothing was pressed. The inputs are checked, the outputs are not.")
        return EXIT_FAILED
    verdict, reason = _press(arguments, action, wiring, terminal)
    reacted = None
    if verdict == "failed":
        terminal.say(f"  {reason}.")
        reacted = terminal.choose("  Did the machine react to the press?", ("yes", "no")) == "yes"
    if not _tell(terminal, check_press(verdict, reason, reacted)):
        return EXIT_FAILED
    terminal.say(f"Host {wiring['host']} is wired right: power-good follows, and the power button works.")
    terminal.say("The reset button was not pressed; try it when the machine may be reset: pgood power reset")
    return 0


def _press(arguments: argparse.Namespace, action: str, wiring: dict[str, Any], terminal: Terminal) -> tuple[str, str]:
    """Ask for the press and show what power-good does until its outcome: verdict and reason. Raises Failure."""
    outcome: list[tuple[str, str]] = []
    failure: list[Failure] = []

    def request() -> None:
        try:
            reply = ask(arguments, "power", action=action, host=wiring["host"])
            outcome.append((reply["verdict"], reply["reason"]))
        except Failure as error:
            failure.append(error)

    asked = threading.Thread(target=request, daemon=True)
    watch = LineWatch(arguments, wiring["power_good"], terminal.say)
    terminal.say("  Pressing now; times are from here.")
    asked.start()
    while asked.is_alive():
        watch.look()
        asked.join(POLL_S)
    if failure:
        raise failure[0]
    watch.look()
    return outcome[0]
