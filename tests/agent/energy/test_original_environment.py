# SPDX-License-Identifier: Apache-2.0
"""Each name of powercap's environment."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from agent.energy.original_environment import OriginalSettings, SettingsError, settings_from
from agent.energy.policies.volume import Reference

PARAMS = '{"market_area":"FR","auction":"IDA1","modality":"Auction","sub_modality":"Intraday"}'


def test_nothing_given() -> None:
    assert settings_from({}) == OriginalSettings()
    assert settings_from(dict.fromkeys(["NODE_NAME", "TIMEZONE", "DATA_REFRESH_CRON"], "")) == OriginalSettings()


@pytest.mark.parametrize(
    ("name", "text", "field", "value"),
    [
        ("NODE_NAME", "worker-node-1", "node_name", "worker-node-1"),
        ("STABILISATION_TIME", "300", "period_s", 300.0),
        ("STABILISATION_TIME", "1m30", "period_s", 90.0),
        ("STABILISATION_TIME", "2.5", "period_s", 2.5),
        ("RAPL_MIN_POWER", "10000000", "min_w", 10.0),
        ("MAX_SOURCE", "40000000", "max_w", 40.0),
        ("MAX_SOURCE", "4e7", "max_w", 40.0),
        ("TIMEZONE", "Europe/Paris", "zone", "Europe/Paris"),
        ("POWER_CALC_MODE", "average", "reference", Reference.AVERAGE),
        ("POWER_CALC_MODE", "MAX", "reference", Reference.MAXIMUM),
        ("DATA_PROVIDER", "EPEX", "provider", "epex"),
        ("PROVIDER_URL", "https://example.org/x", "provider_url", "https://example.org/x"),
        (
            "PROVIDER_PARAMS",
            PARAMS,
            "provider_params",
            {"market_area": "FR", "auction": "IDA1", "modality": "Auction", "sub_modality": "Intraday"},
        ),
        ("DATA_REFRESH_CRON", "0 0 * * *", "refresh_cron", "0 0 * * *"),
    ],
)
def test_each_name_alone(name: str, text: str, field: str, value: object) -> None:
    found = settings_from({name: text, "UNRELATED": "x"})
    assert getattr(found, field) == value
    others = set(OriginalSettings.__slots__) - {field}
    assert all(getattr(found, other) is None for other in others)


@pytest.mark.parametrize(
    ("name", "text", "cure"),
    [
        ("NODE_NAME", "../secrets", "kubectl get nodes"),
        ("STABILISATION_TIME", "5 minutes", "give seconds"),
        ("STABILISATION_TIME", "0", "give seconds"),
        ("STABILISATION_TIME", "-300", "give seconds"),
        ("RAPL_MIN_POWER", "ten", "give microwatts"),
        ("RAPL_MIN_POWER", "-1", "give microwatts"),
        ("MAX_SOURCE", "nan", "give microwatts"),
        ("MAX_SOURCE", "1e300", "give microwatts"),
        ("TIMEZONE", "Mars/Olympus", "Europe/Paris"),
        ("TIMEZONE", "../../etc/passwd", "Europe/Paris"),
        ("TIMEZONE", "Europe", "Europe/Paris"),
        ("POWER_CALC_MODE", "median", "max or average"),
        ("DATA_PROVIDER", "e p e x", "epex, mock or static"),
        ("PROVIDER_URL", "file:///etc/passwd", "https://"),
        ("PROVIDER_PARAMS", "{", "JSON object"),
        ("PROVIDER_PARAMS", '{"a": 1}', "JSON object"),
        ("PROVIDER_PARAMS", "[" * 9000, "JSON object"),
        ("DATA_REFRESH_CRON", "daily", "five fields"),
    ],
)
def test_an_error_names_the_variable_and_the_cure(name: str, text: str, cure: str) -> None:
    with pytest.raises(SettingsError) as raised:
        settings_from({name: text})
    assert str(raised.value).startswith(f"{name} = ")
    assert cure in str(raised.value)
    assert len(str(raised.value)) < 400


def test_a_least_above_the_largest() -> None:
    with pytest.raises(SettingsError, match="RAPL_MIN_POWER = 50000000 is above MAX_SOURCE = 40000000"):
        settings_from({"RAPL_MIN_POWER": "50000000", "MAX_SOURCE": "40000000"})


@settings(max_examples=100)
@given(
    st.dictionaries(st.sampled_from(["MAX_SOURCE", "STABILISATION_TIME", "TIMEZONE", "DATA_REFRESH_CRON"]), st.text())
)
def test_any_text_is_a_value_or_one_error(environ: dict[str, str]) -> None:
    broken = [name for name, text in environ.items() if _error({name: text})]
    told = _error(environ)
    assert bool(told) == bool(broken)
    assert not told or told.partition(" ")[0] in broken


def _error(environ: dict[str, str]) -> str:
    """What is told of it; empty when all is well."""
    try:
        settings_from(environ)
    except SettingsError as error:
        return str(error)
    return ""
