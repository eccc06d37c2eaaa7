# SPDX-License-Identifier: Apache-2.0
"""`pgood status`: the live state of the board."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from agent.cli.ask import add_state_dir, ask

if TYPE_CHECKING:
    import argparse
    from collections.abc import Iterator

DELAYS = {
    "lateness_us": "deadline lateness",
    "edge_to_action_us": "interlock edge to action",
    "write_us": "write",
}


def add_to(verbs: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    parser = verbs.add_parser("status", help="show the live state of the board")
    parser.add_argument("--json", action="store_true", help="everything, as one JSON object")
    add_state_dir(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    status = ask(arguments, "status")
    print(json.dumps(status, indent=2) if arguments.json else "\n".join(readable(status)))
    return 0


def readable(status: dict[str, Any]) -> Iterator[str]:
    """The status as lines for a person."""
    documents, telemetry = status["documents"], status["telemetry"]
    info = documents["info"]
    yield f"board {info['board']}  profile {info['profile']}  pgood {info['version']}"
    if not info["armed"]:
        yield "observe-only: no output is driven until 'pgood arm'"
    for name in info["hosts"]:
        host = documents[f"host/{name}/state"]
        reason = f"  ({host['reason']})" if host["reason"] else ""
        yield f"host {name}: {host['state']} since {host['since']}{reason}"
    for name in info["supplies"]:
        yield f"supply {name}: {_supply(documents[f'psu/{name}/state'], telemetry['supplies'][name])}"
    if redundancy := documents.get("redundancy/state"):
        yield f"redundancy: {_redundancy(redundancy)}"
    for name, celsius in telemetry["temperatures_c"].items():
        yield f"sensor {name}: {'unavailable' if celsius is None else f'{celsius:.1f} C'}"
    for name, percent in telemetry["humidities_percent"].items():
        yield f"sensor {name}: {'unavailable' if percent is None else f'{percent:.0f} % humidity'}"
    for name in info["zones"]:
        yield f"zone {name}: {_zone(documents[f'thermal/{name}/state'])}"
    for name, fan in telemetry["fans"].items():
        yield f"fan {name}: {_fan(fan)}"
    yield f"ipmi: {', '.join(status['ipmi']['listen']) or 'not listening (give ipmi.listen in the site file)'}"
    yield f"mqtt: {status['mqtt']['text']}"
    yield from _lines(status["lines"], telemetry["engine"])


def _lines(lines: dict[str, Any], engine: dict[str, Any]) -> Iterator[str]:
    wakeups = f"{engine['wakeups_per_s']:.1f} wake-ups/s"
    ring = (
        f"events waiting at most {engine['ring_high_water']} of {engine['ring_capacity']}, lost {engine['events_lost']}"
    )
    yield f"lines: guard {engine['guard']}, {wakeups}, {ring}"
    for key, what in DELAYS.items():
        if engine[key]["count"]:
            yield f"lines: {what} {_delays(engine[key])}"
    for name, rule in lines["interlocks"].items():
        state = "armed" if rule["armed"] else "not armed"
        yield f"interlock {name}: {state}{', has fired: see pgood lines reset' if rule['fired'] else ''}"
    for limit in engine["limits"]:
        yield f"lines: {limit}"


def _delays(delays: dict[str, Any]) -> str:
    return (
        f"p50 {delays['p50']}, p99 {delays['p99']}, p99.9 {delays['p99_9']}, max {delays['max']} us ({delays['count']})"
    )


def _supply(state: dict[str, Any], readings: dict[str, Any]) -> str:
    text = f"{state['health']}, rank {state['rank']}"
    if readings["pin_w"] is None or readings["pout_w"] is None:
        return text
    return f"{text}, in {readings['pin_w']:.0f} W, out {readings['pout_w']:.0f} W"


def _zone(state: dict[str, Any]) -> str:
    hottest = state["hottest"]
    text = f"{state['state']}, {hottest['sensor']} at {hottest['celsius']} C" if hottest else state["state"]
    lost = ", ".join(state["lost_sensors"])
    return f"{text}; {lost} lost: fans at fail-safe, power-on blocked" if lost else text


def _fan(fan: dict[str, Any]) -> str:
    if fan["duty_percent"] is None:
        return "unavailable"
    rpm = "no tachometer" if fan["rpm"] is None else f"{fan['rpm']} RPM"
    return f"{rpm}, {fan['duty_percent']:.0f} % duty"


def _redundancy(state: dict[str, Any]) -> str:
    ranks = " ".join(map(str, state["ranks_in_force"]))
    feature = "on" if state["enabled"] else "off"
    return f"{state['state'] or 'unknown'}, cold redundancy {feature}, ranks in force {ranks}"
