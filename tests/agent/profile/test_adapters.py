# SPDX-License-Identifier: Apache-2.0
"""Adapters in profile and site file: every mistake with its key and its cure."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from agent.profile.explain import explain
from agent.profile.load import complete_adapters, load_profile, load_site
from agent.profile.problem import ConfigError

if TYPE_CHECKING:
    from pathlib import Path

GOOD = """\
schema = 1
name = "shelf"
[board]
simulated = true
[lines.reset]
direction = "output"
class = "momentary"
max_press_ms = 1000
[lines.good]
direction = "input"
[lines.power]
direction = "output"
class = "momentary"
max_press_ms = 15000
[lines.relay]
direction = "output"
class = "maintained"
[adapters.plug]
kind = "mqtt-plug"
command_topic = "cmnd/plug/POWER"
state_topic = "stat/plug/POWER"
availability_topic = "tele/plug/LWT"
[adapters.os]
kind = "command"
soft_off = ["ssh", "root@192.0.2.7", "poweroff"]
[[hosts]]
name = "0"
reset_button = "reset"
[hosts.controls]
on = "plug"
off = "plug"
soft_off = "os"
reset = "gpio"
sense = "plug"
"""
SITE = """\
[adapters.plug]
url = "mqtt://broker.example"
"""


def load(folder: Path, profile: str, site: str = SITE) -> str:
    """What is wrong, with the folder cut off; empty = nothing."""
    (folder / "shelf.toml").write_text(profile)
    (folder / "site.toml").write_text(site)
    try:
        loaded = load_profile(folder / "shelf.toml")
        complete_adapters(loaded, folder / "shelf.toml", load_site(folder / "site.toml"), folder / "site.toml")
    except ConfigError as error:
        return str(error).replace(f"{folder}/", "")
    return ""


def test_addresses_may_wait_for_the_site_file(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD) == ""


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (('kind = "mqtt-plug"', 'kind = "plug"'), "adapters.plug.kind: no such kind is installed (here: 'plug'; there"),
        (('kind = "mqtt-plug"\n', ""), "adapters.plug: the key 'kind' is missing"),
        (('on = "plug"', 'on = "plugg"'), "controls.on: names no table of [adapters] (here: 'plugg'; there are: gpio"),
        (
            ('reset = "gpio"', 'reset = "plug"'),
            "adapter 'plug' cannot do 'reset' (it can: off, on, sense",
        ),
        (('reset = "gpio"', 'nmi = "gpio"'), 'controls.nmi: "gpio" needs the line nmi_button of this host'),
        (('on = "plug"', 'on = "gpio"'), 'controls.on: "gpio" needs sense = "gpio": the power button is pressed only'),
        (('sense = "plug"', ""), "hosts[0].controls: the key 'sense' is missing"),
        (('sense = "plug"', 'sense = ""'), "controls.sense: must name who tells whether the host has power"),
        (('sense = "plug"', 'sense = "gpio"'), 'controls.sense: "gpio" needs the line power_good of this host'),
        (("reset_button", 'power_good = "good"\nreset_button'), "power_good: would not be looked at"),
        (("availability_topic", "availability_topc"), "unknown key; did you mean 'availability_topic'?"),
        (('"cmnd/plug/POWER"', '"cmnd/+/POWER"'), "adapters.plug.command_topic: "),
        (('soft_off = ["ssh"', 'soft_off = "ssh'), "is not valid TOML"),
        (('["ssh", "root@192.0.2.7", "poweroff"]', '"poweroff"'), "adapters.os.soft_off: expected `array`, got `str`"),
        (("[adapters.os]", "[adapters.gpio]"), "adapters.gpio: 'gpio' stands for a host's own lines"),
        (("[adapters.os]", '[adapters."a/b"]'), "adapters.a/b: not a usable name"),
        (('availability_topic = "tele/plug/LWT"', ""), "availability_topic: is missing: without it, or query_topic"),
    ],
)
def test_mistakes(tmp_path: Path, change: tuple[str, str], problem: str) -> None:
    assert change[0] in GOOD
    assert problem in load(tmp_path, GOOD.replace(*change))


def test_a_mistake_is_told_of_the_file_that_has_it(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD, SITE.replace("mqtt:", "http:")).startswith("site.toml:2: adapters.plug.url: ")
    assert load(tmp_path, GOOD, "").startswith("shelf.toml:18: adapters.plug: the key 'url' is missing")
    assert load(tmp_path, GOOD, SITE + "speed = 3\n").startswith("site.toml:3: adapters.plug.speed: unknown key")
    assert load(tmp_path, GOOD, SITE + '[adapters.more]\nkind = "wol"\n').startswith("site.toml:3: adapters.more: ")


def test_the_site_file_wins_key_by_key(tmp_path: Path) -> None:
    assert load(tmp_path, GOOD, SITE + 'state_on = "1"\nstate_off = "1"\n').startswith("site.toml:4: ")
    assert load(tmp_path, GOOD, SITE + 'command_topic = "site/plug"\n') == ""


def test_a_line_has_one_owner(tmp_path: Path) -> None:
    relay = '[adapters.relay]\nkind = "line"\nswitch = "relay"\n'
    host = '[[hosts]]\nname = "1"\npower_good = "good"\nidentify_led = "relay"\n'
    assert load(tmp_path, GOOD.replace("[[hosts]]", relay + "[[hosts]]", 1)) == ""
    twice = GOOD.replace("[[hosts]]", relay + relay.replace(".relay]", ".again]") + "[[hosts]]", 1)
    assert "adapters.again.switch: the line 'relay' already has an owner (adapters.relay)" in load(tmp_path, twice)
    shared = GOOD.replace("[[hosts]]", relay + "[[hosts]]", 1) + host
    assert "adapters.relay.switch: the line 'relay' already has an owner (hosts[1].identify_led)" in load(
        tmp_path, shared
    )


def test_an_interlock_holds_a_host_with_power_good_only(tmp_path: Path) -> None:
    rule = '[[interlocks]]\nname = "hot"\ninput = "good"\nhold_off = ["0"]\n'
    held = GOOD.replace('reset_button = "reset"', 'reset_button = "reset"\npower_button = "power"') + rule
    assert "host '0' has no power_good that says when to let go" in load(tmp_path, held)


def test_without_controls_power_good_is_required(tmp_path: Path) -> None:
    head, _ = GOOD.split("[hosts.controls]")
    assert "hosts[0]: the key 'power_good' is missing (or [hosts.controls]" in load(tmp_path, head)


def test_check_says_who_does_what(tmp_path: Path) -> None:
    (tmp_path / "shelf.toml").write_text(GOOD)
    words = list(explain(load_profile(tmp_path / "shelf.toml"), ()))
    for line in (
        "whether it is on: by adapter plug (mqtt-plug)",
        "soft off: by adapter os (command)",
        "reset: by the lines of this host",
        "NMI: refused, [hosts.controls] names nobody for it",
    ):
        assert f"  {line}" in words
    assert not any("no power_button" in line for line in words)


@pytest.mark.parametrize(
    ("adapter", "problem"),
    [
        ("spare", ""),
        ("plug", "domains[0].adapter: adapter 'plug' switches hosts[0] already; make it a chassis domain"),
        ("os", "domains[0].adapter: adapter 'os' cannot do 'on' (it can: soft_off)"),
        ("none", "domains[0].adapter: names no table of [adapters] (here: 'none'; there are: plug, os, spare)"),
    ],
)
def test_a_domain_needs_an_adapter_that_switches_and_senses(tmp_path: Path, adapter: str, problem: str) -> None:
    spare = '[adapters.spare]\nkind = "command"\non = ["x"]\noff = ["x"]\nsense = ["x"]\n'
    told = load(
        tmp_path,
        GOOD.replace("[[hosts]]", spare + "[[hosts]]", 1)
        + f'[[domains]]\nname = "shelf"\ntype = "chassis"\nadapter = "{adapter}"\n',
    )
    assert problem in told if problem else told == ""


def test_a_line_of_a_domain_has_one_owner(tmp_path: Path) -> None:
    relay = '[adapters.relay]\nkind = "line"\nswitch = "relay"\n'
    domain = '[[domains]]\nname = "fans"\ncontrols = ["relay"]\n'
    told = load(tmp_path, GOOD.replace("[[hosts]]", relay + "[[hosts]]", 1) + domain)
    assert "adapters.relay.switch: the line 'relay' already has an owner (domains[0].controls)" in told
