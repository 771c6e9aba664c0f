"""The Prefect flows: what the settings decide about them."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

PROGRAM = """
from prefect.task_runners import ThreadPoolTaskRunner
from flows import orchestrate
wanted = ThreadPoolTaskRunner(max_workers=5)
print([f.task_runner == wanted for f in (orchestrate.run, orchestrate.ingest, orchestrate.publish, orchestrate.backfill)])
"""


@pytest.mark.parametrize(("workers", "same"), [("5", True), ("3", False)])
def test_a_flow_works_on_as_many_items_at_a_time_as_the_settings_say(workers: str, same: bool) -> None:
    environment = os.environ | {"CROSSINGS_WORKERS": workers}
    done = subprocess.run([sys.executable, "-c", PROGRAM], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == str([same] * 4)
