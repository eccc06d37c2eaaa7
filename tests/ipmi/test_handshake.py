# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import contextlib

import pytest

from ipmi.board import Privilege, User
from ipmi.config import ServerConfig
from ipmi.rakp import Status

from .bench import Bench
from .console import Console, LoginRefused, NoAnswer, open_session, plus


@pytest.mark.parametrize("suite", [3, 17])
@pytest.mark.parametrize("role", [2, 3, 4])
def test_login(bench: Bench, suite: int, role: int) -> None:
    console = bench.console(suite=suite, role=role).login()
    assert console.server_proved
    assert console.guid == bench.parts.identity.guid
    assert console.run(0x06, 0x3B, bytes([role])) == bytes([0, role])
    assert bench.tally.logins == 1


def test_kg_is_the_second_key() -> None:
    bench = Bench(ServerConfig(kg=b"k" * 20))
    assert bench.login(kg=b"k" * 20).run(0x06, 0x01)[0] == 0
    with pytest.raises(AssertionError):
        bench.console().login()
    bench.close()


def test_highest_privilege_is_told_when_the_client_asks_for_the_highest(bench: Bench) -> None:
    """FreeIPMI takes 0 for `this user has no privilege`."""
    console = bench.console()
    console.begin()
    assert console.granted == 4


def test_asked_privilege_is_granted(bench: Bench) -> None:
    answer = bench.give(plus(0x10, open_session(17, privilege=3)))
    assert answer is not None
    assert answer[17:19] == b"\x00\x03"


@pytest.mark.parametrize("suite", [0, 1, 2, 8, 12, 15, 16])
def test_other_suites_are_refused_and_never_replaced(bench: Bench, suite: int) -> None:
    answer = bench.give(plus(0x10, open_session(suite, tag=5)))
    assert answer is not None
    assert answer[16:] == bytes([5, 0x11, 0, 0]) + b"\xa1\xa2\xa3\xa4"


def test_a_suite_that_is_switched_off_is_refused() -> None:
    bench = Bench(ServerConfig(suites=(17,)))
    with pytest.raises(LoginRefused) as refusal:
        bench.login(suite=3)
    assert refusal.value.status == Status.NO_MATCHING_CIPHER_SUITE
    assert bench.login(suite=17)
    bench.close()


@pytest.mark.parametrize(
    ("name", "password", "stage"),
    [(b"admin", b"wrong", "rakp4"), (b"nobody", b"wrong", "rakp4"), (b"gone", b"correct horse 17", "rakp4"),
     (b"", b"", "rakp4"), (b"", b"correct horse 17", "rakp4")],
    ids=["wrong password", "unknown user", "disabled user", "null user", "no name"],
)  # fmt: skip
def test_no_way_in_and_all_look_alike(bench: Bench, name: bytes, password: bytes, stage: str) -> None:
    console = bench.console(name=name, password=password)
    console.begin()
    assert not console.server_proved
    with pytest.raises(LoginRefused) as refusal:
        console.finish()
    assert (refusal.value.stage, refusal.value.status) == (stage, Status.INVALID_INTEGRITY_CHECK_VALUE)
    assert bench.tally.failed_logins == 1


def test_a_user_without_a_password_does_not_exist(bench: Bench) -> None:
    bench.parts.users.users.append(User(6, b"open", b"", Privilege.ADMINISTRATOR))
    with pytest.raises(LoginRefused):
        bench.console(name=b"open", password=b"").login()


def test_codes_for_an_unknown_name_stay_the_same(bench: Bench) -> None:
    """Only the randoms change them: a name that nobody has cannot be told by asking twice."""
    handshake = bench.sessions._handshake
    assert handshake._password(None, b"nobody") == handshake._password(None, b"nobody")
    assert handshake._password(None, b"nobody") != handshake._password(None, b"noone")


def test_role_above_the_users_limit(bench: Bench) -> None:
    """Nothing tells it before the password is proved; after that the user's limit holds."""
    console = bench.console(name=b"guest", role=4).login()
    assert console.run(0x06, 0x3B, b"\x04") == b"\x81"
    assert console.run(0x06, 0x3B, b"\x03") == b"\x81"
    assert console.run(0x06, 0x3B, b"\x02") == b"\0\x02"
    assert console.run(0x00, 0x02, b"\x01") == b"\xd4"


@pytest.mark.parametrize("role", [0, 5, 15])
def test_roles_that_do_not_exist(bench: Bench, role: int) -> None:
    with pytest.raises(LoginRefused) as refusal:
        bench.console(role=role).login()
    assert (refusal.value.stage, refusal.value.status) == ("rakp2", Status.INVALID_ROLE)


def test_name_longer_than_the_field(bench: Bench) -> None:
    with pytest.raises(LoginRefused) as refusal:
        bench.console(name=b"n" * 17).login()
    assert refusal.value.status == Status.INVALID_NAME_LENGTH


def test_rakp1_for_a_session_that_is_not_there(bench: Bench) -> None:
    answer = bench.give(plus(0x12, bytes(4) + b"\x01\x02\x03\x04" + bytes(16) + b"\x14\0\0\x00"))
    assert answer is not None
    assert answer[17] == Status.INVALID_SESSION_ID


def test_rakp3_without_rakp1(bench: Bench) -> None:
    opened = bench.give(plus(0x10, open_session(17)))
    assert opened is not None
    answer = bench.give(plus(0x14, bytes(4) + opened[24:28] + bytes(32)))
    assert answer is not None
    assert answer[17] == Status.INVALID_SESSION_ID


def test_repeated_open_session_makes_one_entry(bench: Bench) -> None:
    request = plus(0x10, open_session(17))
    assert bench.give(request) == bench.give(request)
    assert bench.sessions.half_open_count == 1


@pytest.mark.parametrize("name", [b"admin", b"nobody"])
def test_a_login_that_begins_again_is_a_new_one(bench: Bench, name: bytes) -> None:
    """ipmitool keeps its console id; known and unknown users must not differ in what happens then."""
    opens = [plus(0x10, open_session(17, tag=tag)) for tag in range(3)]
    ids = []
    for request in opens:
        opened = bench.give(request)
        assert opened is not None
        ids.append(opened[24:28])
        who = bytes([0x14, 0, 0, len(name)]) + name
        second = bench.give(plus(0x12, bytes(4) + opened[24:28] + len(ids).to_bytes(16, "little") + who))
        assert second is not None
        assert second[17] == 0
    assert len(set(ids)) == 3


def test_repeated_rakp1_gets_the_same_random(bench: Bench) -> None:
    opened = bench.give(plus(0x10, open_session(17)))
    assert opened is not None
    rakp1 = plus(0x12, bytes(4) + opened[24:28] + bytes(16) + b"\x14\0\0\x05admin")
    first, again = bench.give(rakp1), bench.give(rakp1[:16] + b"\x07" + rakp1[17:])
    assert first is not None
    assert again == first[:16] + b"\x07" + first[17:], "FreeIPMI changes the tag"
    other = plus(0x12, bytes(4) + opened[24:28] + bytes(16) + b"\x14\0\0\x04oper")
    assert bench.give(other) is None


def test_repeated_rakp3_gets_the_same_rakp4_until_the_session_is_used(bench: Bench) -> None:
    console = bench.console()
    console.begin()
    rakp3 = console.rakp3()
    console.finish()
    repeated = bench.give(rakp3[:16] + b"\x07" + rakp3[17:])
    assert repeated is not None
    assert repeated[16] == 7
    assert repeated[5] == 0x15
    assert repeated[17] == 0
    assert bench.tally.logins == 1
    assert console.run(0x06, 0x01)[0] == 0
    assert bench.give(rakp3) is None
    assert console.run(0x06, 0x01)[0] == 0


def test_a_client_that_gives_up_at_rakp3_frees_the_entry(bench: Bench) -> None:
    console = bench.console(password=b"wrong")
    console.begin()
    assert bench.give(plus(0x14, b"\0\x0f\0\0" + console.managed_id)) is None
    assert bench.sessions.half_open_count == 0
    assert bench.tally.failed_logins == 1


def test_failures_are_logged_without_secrets_and_not_for_ever(bench: Bench, caplog: pytest.LogCaptureFixture) -> None:
    for _ in range(50):
        with contextlib.suppress(LoginRefused, NoAnswer):
            bench.console(name=b"ad\nmin", password=b"guess").login()
    assert len(caplog.records) == 3
    assert caplog.records[0].getMessage() == r"login as ad\x0amin from 192.0.2.1 failed"
    assert "guess" not in caplog.text


def test_failed_logins_fall_silent_but_the_right_password_works(bench: Bench) -> None:
    """From the same address and for the same name: nobody can lock the administrator out."""
    outcomes = []
    for _ in range(8):
        try:
            bench.console(password=b"wrong").login()
        except (LoginRefused, NoAnswer) as failure:
            outcomes.append(type(failure))
    assert outcomes[0] is LoginRefused
    assert outcomes[-1] is NoAnswer
    assert bench.console().login().run(0x06, 0x01)[0] == 0


def test_a_flood_from_one_address_leaves_its_administrator_able_to_log_in(bench: Bench) -> None:
    """As many messages as a socket buffer holds come between each two of the login."""

    def flooded(datagram: bytes) -> bytes | None:
        for number in range(300):
            console = number.to_bytes(2, "little") + b"\x01\x01"
            bench.give(plus(0x10, open_session(17, console=console)), ("192.0.2.1", 40000 + number))
        return bench.give(datagram, ("192.0.2.1", 623))

    console = Console(flooded)
    for _ in range(5):
        console.login()
    assert bench.tally.logins == 5
    assert bench.tally.evicted > 0


def test_logins_expire(bench: Bench) -> None:
    console = bench.console()
    console.begin()
    bench.now += 11
    with pytest.raises(LoginRefused) as refusal:
        console.finish()
    assert refusal.value.status == Status.INVALID_SESSION_ID
    assert not bench.sessions.tick(bench.now)


def test_no_more_sessions_than_allowed() -> None:
    bench = Bench(ServerConfig(max_sessions=2))
    first = bench.console().login()
    bench.console().login()
    with pytest.raises(LoginRefused) as refusal:
        bench.console().login()
    assert refusal.value.status == Status.INSUFFICIENT_RESOURCES
    assert first.run(0x06, 0x3C, first.managed_id) == b"\0"
    bench.console().login()
    bench.close()


def test_no_privilege_above_administrator(bench: Bench) -> None:
    answer = bench.give(plus(0x10, open_session(17, privilege=5)))
    assert answer is not None
    assert answer[17] == Status.INVALID_ROLE


def test_console_id_zero_is_refused(bench: Bench) -> None:
    answer = bench.give(plus(0x10, open_session(17, console=bytes(4))))
    assert answer is not None
    assert answer[17] == Status.INVALID_SESSION_ID


@pytest.mark.parametrize("kind", [0x10, 0x12, 0x14])
@pytest.mark.parametrize("length", range(40))
def test_cut_handshake_messages(bench: Bench, kind: int, length: int) -> None:
    """Whatever is missing, nothing is raised and nobody gets in."""
    payload = (open_session(17) + bytes(8))[:length]
    bench.give(plus(kind, payload))
    assert bench.tally.logins == 0
