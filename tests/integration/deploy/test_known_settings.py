"""The list of settings that lint knows is that of the jars which the job runs with."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

CHECKOUT = Path(__file__).parents[3]


def test_the_list_is_that_of_the_jars() -> None:
    script = CHECKOUT / "docker" / "known_settings.py"
    answer = subprocess.run([sys.executable, script, "--check"], check=False, capture_output=True)
    assert answer.returncode == 0, "fix: make known-settings"
