# SPDX-License-Identifier: Apache-2.0
"""The text format: golden lines, escapes, histograms that add up."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from agent.prometheus.exposition import counter, exposition, gauge, histogram

LINE = re.compile(r'[a-z_]+(\{([a-z]+="([^"\\\n]|\\["\\n])*",?)*\})? (-?[0-9.]+(e[+-]?[0-9]+)?|\+Inf|-Inf|NaN)')


def test_golden() -> None:
    page = exposition(
        [
            gauge("pgood_watts", "Power.", [({"supply": "1"}, 120.5), ({"supply": "2"}, None)]),
            gauge("pgood_nothing", "Without samples it is left out.", [({}, None)]),
            counter("pgood_ended_total", 'What "ended".', [({"what": 'a"b\\c\nd'}, 3)]),
            histogram("pgood_took_seconds", "Time.", (1.0, 2.5), [({"what": "on"}, (2, 0, 1), 12.25)]),
        ]
    )
    assert page == (
        "# HELP pgood_watts Power.\n"
        "# TYPE pgood_watts gauge\n"
        'pgood_watts{supply="1"} 120.5\n'
        '# HELP pgood_ended_total What "ended".\n'
        "# TYPE pgood_ended_total counter\n"
        'pgood_ended_total{what="a\\"b\\\\c\\nd"} 3\n'
        "# HELP pgood_took_seconds Time.\n"
        "# TYPE pgood_took_seconds histogram\n"
        'pgood_took_seconds_bucket{what="on",le="1"} 2\n'
        'pgood_took_seconds_bucket{what="on",le="2.5"} 2\n'
        'pgood_took_seconds_bucket{what="on",le="+Inf"} 3\n'
        'pgood_took_seconds_sum{what="on"} 12.25\n'
        'pgood_took_seconds_count{what="on"} 3\n'
    )


@given(st.text(), st.floats())
def test_any_label_and_value_is_one_line(label: str, value: float) -> None:
    lines = exposition([gauge("x", "y", [({"l": label}, value)])]).split("\n")
    assert len(lines) == 4
    assert LINE.fullmatch(lines[2]), lines[2]
