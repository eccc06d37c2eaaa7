# SPDX-License-Identifier: Apache-2.0
"""What is put off is loaded by its first use, and not by those who merely import it."""

from __future__ import annotations

import subprocess
import sys


def run(*lines: str) -> list[str]:
    """What a fresh interpreter prints."""
    program = "\n".join(("import sys", "from agent import late_modules", *lines))
    done = subprocess.run([sys.executable, "-c", program], check=True, capture_output=True, text=True)
    return done.stdout.split()


def test_paho_does_not_load_what_it_does_not_use() -> None:
    assert run("late_modules.delay()", "import paho.mqtt.client", "print('http.client' in sys.modules)") == ["False"]


def test_without_it_paho_does() -> None:
    """Else the delay is for nothing, and should go."""
    assert run("import paho.mqtt.client", "print('http.client' in sys.modules)") == ["True"]


def test_the_first_use_loads_the_module_for_everybody() -> None:
    use = (
        "late_modules.delay()",
        "import urllib.request as early",
        "print(callable(early.getproxies))",
        "import urllib.request as later",
        "print(later is early, later.getproxies is early.getproxies, type(later).__name__)",
        "import urllib",
        "print(urllib.request is later)",
    )
    assert run(*use) == ["True", "False", "True", "module", "True"]


def test_an_agent_without_energy_imports_nothing_of_it() -> None:
    told = (
        "import agent.cli.run, agent.cli.demo",
        "print([name for name in sys.modules if name.startswith(('agent.energy', 'agent.board.energy.service'))])",
    )
    assert run(*told) == ["[]"]


def test_a_module_that_is_there_stays() -> None:
    there = ("import urllib.request as there", "late_modules.delay()", "print(sys.modules['urllib.request'] is there)")
    assert run(*there) == ["True"]


def test_an_attribute_that_does_not_exist_is_an_error() -> None:
    ask = ("late_modules.delay()", "import urllib.request", "print(hasattr(urllib.request, 'nothing_of_the_kind'))")
    assert run(*ask) == ["False"]
