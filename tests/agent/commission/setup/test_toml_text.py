# SPDX-License-Identifier: Apache-2.0
"""Single values of a TOML file are changed, and nothing else in it."""

from __future__ import annotations

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent.commission.setup.toml_text import TomlEditError, set_value

SITE = """# of the third rack
[board]   # its name
id = "rack3"  # never changes

[ipmi]
listen = [
  "192.0.2.1:623", # the # management network
]
cipher_suites = [17]
# more to come

[mqtt]
url = "mqtt://a#b.example"
"""


@pytest.mark.parametrize(
    ("path", "value", "was", "becomes"),
    [
        (("board", "id"), "rack4", 'id = "rack3"  # never changes', 'id = "rack4"  # never changes'),
        (
            ("board", "profile"),
            "sim",
            'id = "rack3"  # never changes',
            'id = "rack3"  # never changes\nprofile = "sim"',
        ),
        (
            ("ipmi", "listen"),
            ("192.0.2.2:623",),
            'listen = [\n  "192.0.2.1:623", # the # management network\n]',
            'listen = ["192.0.2.2:623"]',
        ),
        (("mqtt", "url"), "", 'url = "mqtt://a#b.example"', 'url = ""'),
        (
            ("ipmi", "hosts", "1", "listen"),
            ("192.0.2.1:624",),
            'url = "mqtt://a#b.example"',
            'url = "mqtt://a#b.example"\n\n[ipmi.hosts.1]\nlisten = ["192.0.2.1:624"]',
        ),
    ],
)
def test_one_value(path: tuple[str, ...], value: str | tuple[str, ...], was: str, becomes: str) -> None:
    assert set_value(SITE, path, value) == SITE.replace(was, becomes)


def test_a_value_that_is_right_is_left_as_it_is_written() -> None:
    written = "[ipmi]\nlisten = [ '192.0.2.1:623' ]"
    assert set_value(written, ("ipmi", "listen"), ("192.0.2.1:623",)) == written


@pytest.mark.parametrize("text", ['mqtt.url = "mqtt://a"\n', 'mqtt = { url = "mqtt://a" }\n', "mqtt = 3\n"])
def test_what_is_written_otherwise_is_refused_with_the_cure(text: str) -> None:
    with pytest.raises(TomlEditError, match=r'mqtt.url .* set it to "mqtt://b" yourself'):
        set_value(text, ("mqtt", "url"), "mqtt://b")


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_any_text_is_read_back(value: str) -> None:
    assert tomllib.loads(set_value(SITE, ("mqtt", "password_file"), value))["mqtt"]["password_file"] == value


@given(st.text("[]\"'#=\n\\ ab.,", max_size=60))
def test_any_file_is_changed_rightly_or_not_at_all(text: str) -> None:
    try:
        before = tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return
    try:
        after = tomllib.loads(set_value(text, ("a", "b"), "new"))
    except TomlEditError:
        return
    assert after["a"].pop("b") == "new"
    before.setdefault("a", {}).pop("b", None)
    assert after == before
