# SPDX-License-Identifier: Apache-2.0
"""Logging in: decides on Open Session, RAKP message 1 and RAKP message 3 (IPMI 2.0 section 13.15)."""

from __future__ import annotations

import hmac
import logging
import secrets
from typing import TYPE_CHECKING

from ipmi import rakp
from ipmi.board import Privilege
from ipmi.crypto import SUITES, Exchange
from ipmi.half_open import HalfOpen, HalfOpenTable
from ipmi.protection import protect
from ipmi.rakp import Status
from ipmi.request import printable
from ipmi.session import Established, client_address

if TYPE_CHECKING:
    from collections.abc import Callable

    from ipmi.backoff import LoginBackoff
    from ipmi.board import User, Users
    from ipmi.config import ServerConfig
    from ipmi.counters import Tally
    from ipmi.session import Source

log = logging.getLogger(__name__)

_PASSWORD_LENGTH = 20
_RANDOM_LENGTH = 16
_NOBODY = bytes(4)


class Handshake:
    """Takes clients from nothing to an established session.

    A name that nobody has gets codes made with a secret of this run: its login fails in the same way, with the
    same messages and after the same work, as a wrong password. For the same reason a role above the user's limit is
    refused after the password has been proved, in RAKP message 4. Letting such a login in with less would be worse:
    ipmipower takes a refused Set Session Privilege Level for success and exits with 0.
    """

    def __init__(
        self,
        users: Users,
        guid: bytes,
        config: ServerConfig,
        backoff: LoginBackoff,
        tally: Tally,
        id_in_use: Callable[[int], bool],
    ) -> None:
        self.half_open = HalfOpenTable(config.half_open_limit, config.half_open_s)
        self._users = users
        self._guid = guid
        self._kg = config.kg
        self._suites = {SUITES[number].algorithms: SUITES[number] for number in config.suites}
        self._backoff = backoff
        self._tally = tally
        self._id_in_use = id_in_use
        self._decoy_secret = secrets.token_bytes(32)

    def open_session(self, payload: bytes, source: Source, now: float) -> bytes:
        """Answer an Open Session Request; never substitutes another cipher suite."""
        request = rakp.decode_open_session(payload)
        repeat = self.half_open.find_repeat(request, source)
        if repeat is not None:
            return rakp.with_tag(repeat.response, request.tag)
        suite = self._suites.get(request.algorithms) if request.algorithms is not None else None
        if suite is None:
            return self._refuse(request.tag, Status.NO_MATCHING_CIPHER_SUITE, request.console_id)
        if request.privilege > Privilege.ADMINISTRATOR:
            return self._refuse(request.tag, Status.INVALID_ROLE, request.console_id)
        if request.console_id == _NOBODY:
            return self._refuse(request.tag, Status.INVALID_SESSION_ID, request.console_id)
        session_id = self._new_id()
        granted = Privilege(request.privilege or Privilege.ADMINISTRATOR)
        response = rakp.encode_open_session_response(
            request, granted, session_id.to_bytes(4, "little"), suite.algorithms
        )
        if self.half_open.add(HalfOpen(session_id, request, suite, granted, source, now, response)):
            self._tally.evicted += 1
        return response

    def rakp1(self, payload: bytes, now: float) -> bytes | None:
        """Answer RAKP message 1 with our random number and a code over the user's password."""
        message = rakp.decode_rakp1(payload)
        entry = self.half_open.get(message.managed_id, now)
        if entry is None:
            return self._refuse(message.tag, Status.INVALID_SESSION_ID, _NOBODY)
        if entry.exchange is not None:
            return rakp.with_tag(entry.rakp2, message.tag) if rakp.is_repeat(payload, entry.rakp1) else None
        console_id = entry.request.console_id
        if not message.name_fits:
            return self._refuse(message.tag, Status.INVALID_NAME_LENGTH, console_id)
        if not Privilege.CALLBACK <= message.privilege <= Privilege.ADMINISTRATOR:
            return self._refuse(message.tag, Status.INVALID_ROLE, console_id)
        entry.exchange = Exchange(
            console_id,
            entry.session_id.to_bytes(4, "little"),
            message.console_random,
            secrets.token_bytes(_RANDOM_LENGTH),
            self._guid,
            message.role,
            message.name,
        )
        entry.user = self._known_user(message.name)
        code = entry.exchange.rakp2_code(entry.suite, self._password(entry.user, message.name))
        entry.rakp1 = payload
        entry.rakp2 = rakp.encode_rakp2(message.tag, console_id, entry.exchange.managed_random, self._guid, code)
        if entry.user is not None:
            self.half_open.promote(entry)
        return entry.rakp2

    def rakp3(self, payload: bytes, room: bool, now: float) -> bytes | Established | None:
        """Judge RAKP message 3: a new session, a refusal, or silence. `room` = one more session may exist."""
        message = rakp.decode_rakp3(payload)
        entry = self.half_open.get(message.managed_id, now)
        if entry is None or entry.exchange is None:
            return self._refuse(message.tag, Status.INVALID_SESSION_ID, _NOBODY)
        self.half_open.remove(entry)
        exchange, user, console_id = entry.exchange, entry.user, entry.request.console_id
        password = self._password(user, exchange.name)
        proved = hmac.compare_digest(exchange.rakp3_code(entry.suite, password), message.code)
        if message.status != Status.NO_ERRORS or not proved or user is None:
            self._tally.failed_logins += 1
            told = self._backoff.failed(entry.source[0], exchange.name, now)
            if told:
                log.warning("login as %s from %s failed", printable(exchange.name), client_address(entry.source))
            if message.status != Status.NO_ERRORS or not told:
                return None
            return self._refuse(message.tag, Status.INVALID_INTEGRITY_CHECK_VALUE, console_id)
        role = Privilege(exchange.role & 0x0F)
        if role > user.privilege:
            return self._refuse(message.tag, Status.UNAUTHORIZED_ROLE, console_id)
        if not room:
            return self._refuse(message.tag, Status.INSUFFICIENT_RESOURCES, console_id)
        self._backoff.succeeded(entry.source[0], exchange.name)
        self._tally.logins += 1
        log.info("login as %s from %s", printable(user.name), client_address(entry.source))
        session_key = exchange.session_key(entry.suite, self._kg or password)
        return Established(
            session_id=entry.session_id,
            console_id=int.from_bytes(console_id, "little"),
            user_id=user.user_id,
            name=user.name,
            limit=min(entry.granted, role),
            protection=protect(entry.suite, session_key),
            final_request=payload,
            final_answer=rakp.encode_rakp4(message.tag, console_id, exchange.rakp4_code(entry.suite, session_key)),
        )

    def _known_user(self, name: bytes) -> User | None:
        user = self._users.by_name(name) if name else None
        usable = user is not None and user.enabled and user.messaging and user.password
        return user if usable else None

    def _password(self, user: User | None, name: bytes) -> bytes:
        decoy = hmac.digest(self._decoy_secret, name, "sha256")[:_PASSWORD_LENGTH]
        return decoy if user is None else user.password[:_PASSWORD_LENGTH]

    def _new_id(self) -> int:
        while True:
            session_id = secrets.randbits(32)
            if session_id and session_id not in self.half_open and not self._id_in_use(session_id):
                return session_id

    def _refuse(self, tag: int, status: Status, console_id: bytes) -> bytes:
        self._tally.refused += 1
        return rakp.encode_refusal(tag, status, console_id)
