# SPDX-License-Identifier: Apache-2.0
"""Replays, repetitions, forgeries and the life of a session."""

from __future__ import annotations

import pytest

from ipmi.board import ChassisAction
from ipmi.config import ServerConfig

from .bench import HOME, Bench
from .console import classic, message, plus

ELSEWHERE = ("198.51.100.7", 623)
POWER_ON = (0x00, 0x02, b"\x01")


def test_ping(bench: Bench) -> None:
    assert bench.give(bytes.fromhex("0600ff06 000011be 80 07 00 00")) == bytes.fromhex(
        "0600ff06 000011be 40 07 00 10 000011be 00000000 81 00 000000000000"
    )


@pytest.mark.parametrize("channel", [0x8E, 0x0E, 0x81, 0x01])
@pytest.mark.parametrize("framing", ["classic", "plus"])
def test_capabilities_outside_a_session(bench: Bench, channel: int, framing: str) -> None:
    """Also without the bit for IPMI 2.0 data, as ipmiping asks."""
    request = message(0x06, 0x38, bytes([channel, 4]))
    answer = bench.give(classic(request) if framing == "classic" else plus(0, request))
    assert answer is not None
    body = answer[14 if framing == "classic" else 16 :]
    assert body[6:-1] == bytes.fromhex("00 01 80 04 02 00 00 00 00")


def test_kg_is_announced() -> None:
    bench = Bench(ServerConfig(kg=b"secret"))
    answer = bench.give(classic(message(0x06, 0x38, b"\x8e\x04")))
    assert answer is not None
    assert answer[14 + 9] == 0x24
    bench.close()


def test_ipmi_15_logins_are_refused_at_once(bench: Bench) -> None:
    """No authentication type is offered, and whoever goes on gets an error instead of silence."""
    answer = bench.give(classic(message(0x06, 0x39, b"\x02" + b"admin".ljust(16, b"\0"))))
    assert answer is not None
    assert answer[14 + 6] == 0xC1


def test_commands_need_a_session(bench: Bench) -> None:
    answer = bench.give(plus(0, message(*POWER_ON)))
    assert answer is not None
    assert answer[16 + 6] == 0xD4
    assert not bench.parts.chassis.actions


def test_exact_duplicate_is_dropped(bench: Bench) -> None:
    console = bench.login()
    datagram = console.seal(message(*POWER_ON, sequence=9))
    assert bench.give(datagram) is not None
    assert bench.give(datagram) is None
    assert bench.tally.replayed == 1
    assert bench.parts.chassis.count(ChassisAction.ON) == 1


def test_retry_with_a_new_session_sequence_gets_the_first_answer(bench: Bench) -> None:
    """ipmitool and pyghmi: same rqSeq, new session sequence number."""
    console = bench.login()
    request = message(0x00, 0x02, b"\x03", sequence=9)
    bench.parts.chassis.power_on = True
    first = bench.give(console.seal(request))
    second = bench.give(console.seal(request))
    assert first is not None
    assert second is not None
    assert first != second
    assert console.unseal(first) == console.unseal(second)
    assert bench.parts.chassis.count(ChassisAction.RESET) == 1


def test_retry_with_a_new_rqseq_gets_the_first_answer(bench: Bench) -> None:
    """FreeIPMI: new rqSeq as well."""
    console = bench.login()
    bench.parts.chassis.power_on = True
    assert [console.run(0x00, 0x02, b"\x02") for _ in range(5)] == [b"\0"] * 5
    assert bench.parts.chassis.count(ChassisAction.CYCLE) == 1
    assert bench.tally.repeated == 4


def test_a_repeated_refusal_is_the_first_refusal(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x00, 0x02, b"\x03") == b"\xd5"
    bench.parts.chassis.power_on = True
    assert console.run(0x00, 0x02, b"\x03") == b"\xd5"
    assert not bench.parts.chassis.actions


def test_after_twenty_seconds_it_is_a_new_request(bench: Bench) -> None:
    console = bench.login()
    bench.parts.chassis.power_on = True
    console.run(0x00, 0x02, b"\x02")
    bench.now += 20
    console.run(0x00, 0x02, b"\x02")
    assert bench.parts.chassis.count(ChassisAction.CYCLE) == 1
    bench.now += 0.1
    console.run(0x00, 0x02, b"\x02")
    assert bench.parts.chassis.count(ChassisAction.CYCLE) == 2


def test_a_new_session_is_no_duplicate(bench: Bench) -> None:
    bench.parts.chassis.power_on = True
    for _ in range(3):
        bench.login().run(0x00, 0x02, b"\x02")
    assert bench.parts.chassis.count(ChassisAction.CYCLE) == 3


@pytest.mark.parametrize("action", range(6))
def test_every_power_action_runs_once(bench: Bench, action: int) -> None:
    console = bench.login()
    bench.parts.chassis.power_on = True
    for _ in range(3):
        assert console.run(0x00, 0x02, bytes([action])) == b"\0"
    assert [done for done, _ in bench.parts.chassis.actions] == [ChassisAction(action)]


def test_a_repeated_read_is_answered_from_memory_only_for_seconds(bench: Bench) -> None:
    console = bench.login()
    request = message(0x00, 0x01, sequence=5)
    before = bench.give(console.seal(request))
    bench.parts.chassis.power_on = True
    again = bench.give(console.seal(request))
    bench.now += 11
    later = bench.give(console.seal(request))
    assert before is not None
    assert again is not None
    assert later is not None
    assert console.unseal(again) == console.unseal(before)
    assert console.unseal(later)[7] & 1


def test_forged_packets_change_nothing(bench: Bench) -> None:
    console = bench.login()
    good = console.seal(message(*POWER_ON, sequence=9), sequence=100)
    for position in range(4, len(good)):
        forged = bytearray(good)
        forged[position] ^= 0x01
        assert bench.give(bytes(forged)) is None
    assert not bench.parts.chassis.actions
    assert console.run(0x06, 0x01)[0] == 0, "the window must not have moved"


def test_a_signed_packet_must_be_encrypted(bench: Bench) -> None:
    console = bench.login()
    packet = plus(0x40, message(*POWER_ON), console.session, 50)
    assert bench.give(console.sign(packet)) is None
    packet = plus(0x00, message(*POWER_ON), console.session, 51)
    assert bench.give(packet) is None
    assert not bench.parts.chassis.actions


def test_numbers_far_ahead_are_dropped(bench: Bench) -> None:
    console = bench.login()
    assert bench.give(console.seal(message(0x06, 0x01), sequence=console.sequence + 15)) is None
    assert bench.give(console.seal(message(0x06, 0x01), sequence=console.sequence + 14)) is not None


def test_an_answer_goes_to_where_the_authentic_request_came_from(bench: Bench) -> None:
    console = bench.login()
    session = bench.sessions.find(console.session)
    assert session is not None
    forged = console.seal(message(0x06, 0x01))[:-1] + b"\0"
    bench.give(forged, ELSEWHERE)
    assert session.source == HOME
    assert bench.give(console.seal(message(0x06, 0x01)), ELSEWHERE) is not None
    assert session.source == ELSEWHERE
    assert session.caller.origin == "ipmi:admin@198.51.100.7"


def test_two_sessions_and_a_third_login_from_one_port(bench: Bench) -> None:
    one, two = bench.login(), bench.login(suite=3)
    assert one.run(0x06, 0x01)[0] == 0
    bench.give(plus(0x10, b"\0" * 32))
    assert two.run(0x06, 0x01)[0] == 0
    assert bench.give(classic(message(0x06, 0x38, b"\x8e\x04"))) is not None
    assert one.run(0x06, 0x38, b"\x8e\x04")[0] == 0
    assert one.run(0x06, 0x54, b"\x0e\x00\x80")[0] == 0


def test_close(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x3C, console.managed_id) == b"\0"
    assert console.send(0x06, 0x01) is None
    assert console.send(*POWER_ON) is None
    assert not bench.parts.chassis.actions


def test_close_whose_answer_was_lost_is_answered_again(bench: Bench) -> None:
    console = bench.login()
    assert console.run(0x06, 0x3C, console.managed_id) == b"\0"
    assert console.run(0x06, 0x3C, console.managed_id) == b"\0"
    bench.now += 21
    bench.sessions.tick(bench.now)
    assert console.send(0x06, 0x3C, console.managed_id) is None


def test_idle_sessions_end(bench: Bench) -> None:
    busy, idle = bench.login(), bench.login()
    bench.now += 40
    assert busy.run(0x06, 0x01)[0] == 0
    bench.now += 30
    assert bench.sessions.tick(bench.now)
    assert idle.send(0x06, 0x01) is None
    assert busy.run(0x06, 0x01)[0] == 0


def test_sessions_of_a_changed_user_can_be_ended(bench: Bench) -> None:
    mine, theirs = bench.login(), bench.login(name=b"oper", role=3)
    assert bench.sessions.close_user(b"oper") == 1
    assert theirs.send(0x06, 0x01) is None
    assert mine.run(0x06, 0x01)[0] == 0


def test_server_numbers_count_up(bench: Bench) -> None:
    console = bench.login()
    answers = [bench.give(console.seal(message(0x06, 0x01, sequence=n))) for n in range(4)]
    numbers = [int.from_bytes(answer[10:14], "little") for answer in answers if answer is not None]
    assert numbers == list(range(numbers[0], numbers[0] + 4))
    assert numbers[0] > 0


def test_other_payloads_in_a_session_are_counted_as_malformed(bench: Bench) -> None:
    console = bench.login()
    before = bench.tally.malformed
    assert bench.give(console.seal(b"\0\0\0\0", kind=0x02)) is None
    assert bench.tally.malformed == before + 1
    assert console.run(0x06, 0x01)[0] == 0


def test_other_luns(bench: Bench) -> None:
    assert bench.login().run(0x06, 0x01, lun=1) == b"\xc2"
