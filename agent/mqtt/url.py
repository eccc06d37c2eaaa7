# SPDX-License-Identifier: Apache-2.0
"""The address of a broker as people write it: `mqtt://[USER@]HOST[:PORT]`, mqtts, ws, wss, `unix:///PATH`."""

from __future__ import annotations

import enum
import ipaddress
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

DEFAULT_PORTS = {"mqtt": 1883, "mqtts": 8883, "ws": 80, "wss": 443}
WS_PATH = "/mqtt"
"""Where brokers speak MQTT over websockets, unless the URL says otherwise."""
MAX_SOCKET_PATH = 107
"""sun_path holds 108 bytes with its end."""
EXAMPLE = "mqtt://HOST:1883, mqtts://USER@HOST:8883, wss://HOST/mqtt or unix:///PATH"


class Transport(enum.Enum):
    """The value is the client library's word."""

    TCP = "tcp"
    WEBSOCKETS = "websockets"
    UNIX = "unix"


_PARTS = re.compile(
    r"""(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*)://
        (?:(?P<user>[^@/]*)@)?
        (?:\[(?P<v6>[0-9A-Fa-f:.%A-Za-z]+)\]|(?P<host>[^:/@\[\]?\#\s]+))
        (?::(?P<port>[^/?\#]*))?
        (?P<rest>.*)""",
    re.VERBOSE | re.DOTALL,
)
_UNIX = re.compile(r"[Uu][Nn][Ii][Xx]://(?:(?P<user>[^@/]*)@)?(?P<path>/.*)", re.DOTALL)
_HOST_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]{0,251}[A-Za-z0-9_.])?")


@dataclass(frozen=True, slots=True)
class BrokerUrl:
    """Where a broker is. Never holds a password."""

    host: str
    port: int
    tls: bool = False
    user: str = ""
    transport: Transport = Transport.TCP
    path: str = ""
    """Of the unix socket, or of the websocket on its server."""

    @property
    def loopback(self) -> bool:
        """Whether only this machine can be meant."""
        if self.transport is Transport.UNIX:
            return True
        if self.host.lower() in ("localhost", "ip6-localhost"):
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    def __str__(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        user = self.user and quote(self.user, safe="") + "@"
        if self.transport is Transport.UNIX:
            return f"unix://{user}{self.path}"
        web = self.transport is Transport.WEBSOCKETS
        scheme = ("wss" if self.tls else "ws") if web else ("mqtts" if self.tls else "mqtt")
        return f"{scheme}://{user}{host}:{self.port}{self.path}"


def parse_url(text: str) -> BrokerUrl:
    """Raises ValueError: one sentence that names the URL (never a password in it) and the cure."""
    unix = _UNIX.fullmatch(text.strip())
    if unix is not None:
        return _unix_socket(unix["path"], unix["user"], _without_password(text.strip()))
    match = _PARTS.fullmatch(text.strip())
    if match is None:
        raise ValueError(f"MQTT broker URL {_without_password(text)!r} is no URL: write {EXAMPLE}")
    shown = _without_password(text.strip())
    scheme = match["scheme"].lower()
    if scheme not in DEFAULT_PORTS:
        raise ValueError(f"MQTT broker URL {shown!r}: {match['scheme']}:// is not served: write {EXAMPLE}")
    web = scheme in ("ws", "wss")
    if web and re.search(r"[?\#\s]", match["rest"]):
        raise ValueError(f"MQTT broker URL {shown!r}: the path has no query and no spaces: write {EXAMPLE}")
    if not web and match["rest"] not in ("", "/"):
        raise ValueError(f"MQTT broker URL {shown!r}: nothing may follow the port: write {EXAMPLE}")
    return BrokerUrl(
        host=_host(match["v6"], match["host"], shown),
        port=_port(match["port"], DEFAULT_PORTS[scheme], shown),
        tls=scheme in ("mqtts", "wss"),
        user=_user(match["user"], shown),
        transport=Transport.WEBSOCKETS if web else Transport.TCP,
        path=(match["rest"] or WS_PATH) if web else "",
    )


def _unix_socket(path: str, user: str | None, shown: str) -> BrokerUrl:
    if not 1 < len(path.encode()) <= MAX_SOCKET_PATH or "\0" in path:
        raise ValueError(f"MQTT broker URL {shown!r}: a socket's path has 2 to {MAX_SOCKET_PATH} bytes")
    return BrokerUrl(host="localhost", port=1, user=_user(user, shown), transport=Transport.UNIX, path=path)


def _user(text: str | None, shown: str) -> str:
    if text is None:
        return ""
    if ":" in text:
        raise ValueError(
            f"MQTT broker URL {shown!r} carries a password: put it in a file that only pgood can read"
            " and name the file as mqtt.password_file in the site file"
        )
    user = unquote(text)
    if not user or not user.isprintable() or "\ufffd" in user or len(user.encode()) > 256:
        raise ValueError(f"MQTT broker URL {shown!r}: the user name before '@' is empty or not printable")
    return user


def _host(v6: str | None, name: str | None, shown: str) -> str:
    if v6 is not None:
        try:
            ipaddress.IPv6Address(v6)
        except ValueError as error:
            raise ValueError(f"MQTT broker URL {shown!r}: [{v6}] is no IPv6 address") from error
        return v6
    assert name is not None
    if not _HOST_NAME.fullmatch(name):
        raise ValueError(f"MQTT broker URL {shown!r}: {name!r} is no host name: write {EXAMPLE}")
    return name


def _port(text: str | None, default: int, shown: str) -> int:
    if text is None:
        return default
    port = int(text) if re.fullmatch("[0-9]{1,5}", text) else 0
    if not 1 <= port <= 65535:
        raise ValueError(f"MQTT broker URL {shown!r}: port {text!r} is not 1 to 65535")
    return port


def _without_password(text: str) -> str:
    head, at, tail = text.rpartition("@")
    if not at:
        return text[:200]
    scheme, slashes, user = head.rpartition("://")
    name, colon, _ = user.partition(":")
    return f"{scheme}{slashes}{name}{':***' if colon else ''}@{tail}"[:200]
