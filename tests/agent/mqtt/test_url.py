# SPDX-License-Identifier: Apache-2.0
from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.mqtt.url import BrokerUrl, Transport, parse_url


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("mqtt://broker", BrokerUrl("broker", 1883)),
        ("mqtts://broker", BrokerUrl("broker", 8883, tls=True)),
        ("MQTT://broker.example.org:2883/", BrokerUrl("broker.example.org", 2883)),
        ("mqtt://[::1]:1884", BrokerUrl("::1", 1884)),
        ("mqtts://rack%2d1@10.0.0.7", BrokerUrl("10.0.0.7", 8883, tls=True, user="rack-1")),
    ],
)
def test_parts(text: str, url: BrokerUrl) -> None:
    assert parse_url(text) == url
    assert parse_url(str(url)) == url


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("broker", "mqtt://HOST:1883"),
        ("", "mqtt://HOST:1883"),
        ("mqtt://", "mqtt://HOST:1883"),
        ("http://broker", "http:// is not served"),
        ("mqtt://broker:0", "port '0' is not 1 to 65535"),
        ("mqtt://broker:70000", "1 to 65535"),
        ("mqtt://broker:", "1 to 65535"),
        ("mqtt://broker:1883/topic", "nothing may follow"),
        ("mqtt://broker?x=1", "nothing may follow"),
        ("mqtt://bro ker", "mqtt://HOST:1883"),
        ("mqtt://[::1", "mqtt://HOST:1883"),
        ("mqtt://[::zz]", "no IPv6 address"),
        ("mqtt://@broker", "user name"),
        ("mqtt://-broker", "no host name"),
    ],
)
def test_wrong_url_is_named_with_the_cure(text: str, cure: str) -> None:
    with pytest.raises(ValueError, match="MQTT broker URL") as caught:
        parse_url(text)
    assert cure in str(caught.value)
    assert repr(text) in str(caught.value)


@pytest.mark.parametrize("text", ["mqtt://me:s3cret@broker", "mqtt://me:s3c@ret@broker", "me:s3cret@broker"])
def test_password_in_url_is_refused_and_not_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="MQTT broker URL") as caught:
        parse_url(text)
    assert "s3c" not in str(caught.value)


def test_refused_password_names_the_password_file() -> None:
    with pytest.raises(ValueError, match=r"mqtt\.password_file"):
        parse_url("mqtt://me:s3cret@broker")


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("localhost", True), ("127.0.0.1", True), ("127.1.2.3", True), ("::1", True), ("10.0.0.1", False), ("box", False)],
)
def test_loopback(host: str, loopback: bool) -> None:
    assert BrokerUrl(host, 1883).loopback is loopback


@given(st.text(max_size=60) | st.text(max_size=60).map("mqtt://".__add__))
def test_any_text_is_a_url_or_a_value_error(text: str) -> None:
    try:
        url = parse_url(text)
    except ValueError:
        return
    assert parse_url(str(url)).host == url.host
    assert 1 <= url.port <= 65535


@pytest.mark.parametrize(
    ("text", "shown", "transport", "path"),
    [
        ("ws://h", "ws://h:80/mqtt", Transport.WEBSOCKETS, "/mqtt"),
        ("wss://u@h/a/b", "wss://u@h:443/a/b", Transport.WEBSOCKETS, "/a/b"),
        ("unix:///run/m.sock", "unix:///run/m.sock", Transport.UNIX, "/run/m.sock"),
        ("unix://u@/run/m.sock", "unix://u@/run/m.sock", Transport.UNIX, "/run/m.sock"),
    ],
)
def test_other_transports(text: str, shown: str, transport: Transport, path: str) -> None:
    url = parse_url(text)
    assert (str(url), url.transport, url.path) == (shown, transport, path)
    assert url.loopback is (transport is Transport.UNIX)
    assert parse_url(str(url)) == url


@pytest.mark.parametrize("text", ["unix://", "unix:///", "unix:///" + "x" * 200, "ws://h/a?b", "unix://u:p@/run/x"])
def test_what_is_no_transport(text: str) -> None:
    with pytest.raises(ValueError, match="MQTT broker URL"):
        parse_url(text)
