"""The pipeline as Prefect flows: coarse tasks with retries, artifacts a person can follow, typed parameters.

Each task is one line around a step of `flows.steps`. Ids and stage names pass between tasks, never frames.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from contextvars import ContextVar
from datetime import date
from pathlib import Path
from typing import Any

# Before Prefect is imported: no telemetry, and an embedded server that a slow machine survives.
os.environ.setdefault("PREFECT_SERVER_ANALYTICS_ENABLED", "false")
os.environ.setdefault("DO_NOT_TRACK", "1")
os.environ.setdefault("PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS", "180")

from prefect import flow, get_run_logger, task
from prefect.artifacts import create_link_artifact, create_markdown_artifact, create_table_artifact
from prefect.cache_policies import NO_CACHE
from prefect.client.schemas.objects import State, TaskRun
from prefect.settings import PREFECT_FLOWS_HEARTBEAT_FREQUENCY, temporary_settings
from prefect.task_runners import ThreadPoolTaskRunner
from prefect.tasks import exponential_backoff

from crossings.errors import CrossingsError
from crossings.settings import Settings, settings
from flows import pipeline
from flows.workspace import Workspace

_LISTENER: ContextVar[pipeline.Tell | None] = ContextVar("listener", default=None)


def as_command(flow_: Callable[..., Any], tell: pipeline.Tell, **parameters: Any) -> Any:
    """Run a flow from the command line: its steps are told to `tell`, and it ends without waiting for a heartbeat.

    Scheduled runs keep their heartbeat, so that a run that died is noticed.
    """
    token = _LISTENER.set(tell)
    try:
        with temporary_settings({PREFECT_FLOWS_HEARTBEAT_FREQUENCY: None}):
            return flow_(**parameters)
    finally:
        _LISTENER.reset(token)


def _tell() -> pipeline.Tell:
    return _LISTENER.get() or get_run_logger().info


def _worth_retrying(task_: Any, run: TaskRun, state: State[Any]) -> bool:  # noqa: ARG001
    """A fault with a remedy does not go away by itself; anything else may."""
    try:
        state.result()
    except CrossingsError:
        return False
    except Exception:  # noqa: BLE001 - the question is only whether to try again
        return True
    return False


@task(
    task_run_name="{name}", retries=2, retry_delay_seconds=exponential_backoff(backoff_factor=2), retry_jitter_factor=0.5,
    retry_condition_fn=_worth_retrying, cache_policy=NO_CACHE, persist_result=False,
)  # fmt: skip
def step_task(name: str, step: Callable[..., str], workspace: Workspace, item: tuple[Any, ...]) -> str:  # noqa: ARG001
    """One step for one source or one country."""
    return step(workspace, *item)


def _as_tasks(step: Callable[..., str], workspace: Workspace, items: Sequence[tuple[Any, ...]]) -> list[str]:
    futures = [step_task.submit(f"{step.__name__} {_label(item)}", step, workspace, item) for item in items]
    return [future.result() for future in futures]


def _label(item: tuple[Any, ...]) -> str:
    """The source or country of an item; stage names are long, and addresses are the same for all."""
    return next(
        (part for part in (item[-1], *item) if isinstance(part, str) and len(part) < 40 and "://" not in part), "all"
    )


def _settings(lake: Path | None, data: Path | None) -> Settings:
    given = {name: path for name, path in (("lake", lake), ("data", data)) if path is not None}
    return settings().model_copy(update=given)


def _show(outcome: pipeline.Outcome) -> None:
    create_table_artifact(
        key="row-accounting", table=outcome.counts or [{"source": "all", "note": "inputs as in the current release"}],
        description=f"Rows by source, release {outcome.release}",
    )  # fmt: skip
    create_table_artifact(
        key="tables", table=[{"table": name, "rows": rows} for name, rows in outcome.rows.items()],
        description=f"Tables of release {outcome.release}",
    )  # fmt: skip
    found = ", ".join(f"{number} {severity}" for severity, number in outcome.findings.items()) or "none"
    create_markdown_artifact(
        key="findings", markdown=f"# Release `{outcome.release}`\n\nFindings: {found}.\n\n"
        f"{'Nothing new: no byte was written into releases/.' if not outcome.written else 'A new release was written.'}",
    )  # fmt: skip
    create_link_artifact(key="validation-page", link=Path(outcome.page).as_uri(), link_text="validation page")


_RUNNER: Any = ThreadPoolTaskRunner(max_workers=settings().workers)


@flow(name="run", task_runner=_RUNNER, retries=0, persist_result=False)
def run(
    lake: Path | None = None, data: Path | None = None, rebuild: bool = False, base_url: str | None = None
) -> pipeline.Outcome:
    """Collect every confirmed source, ingest, estimate, hold the gates, publish; `base_url` as in `pipeline.run`."""
    workspace = Workspace.open(_settings(lake, data))
    outcome = pipeline.run(workspace, _as_tasks, _tell(), rebuild=rebuild, base_url=base_url)
    _show(outcome)
    return outcome


@flow(name="ingest", task_runner=_RUNNER, persist_result=False)
def ingest(
    source_ids: list[str] | None = None, lake: Path | None = None, data: Path | None = None
) -> list[dict[str, Any]]:
    """Collect and judge sources without publishing; returns the row accounting."""
    workspace = Workspace.open(_settings(lake, data))
    return pipeline.ingest(workspace, _as_tasks, _tell(), source_ids)


@flow(name="publish", task_runner=_RUNNER, persist_result=False)
def publish(lake: Path | None = None, data: Path | None = None) -> pipeline.Outcome:
    """Estimate and publish what is in the archive, without looking at any publisher."""
    workspace = Workspace.open(_settings(lake, data))
    outcome = pipeline.publish(workspace, _as_tasks, _tell())
    _show(outcome)
    return outcome


@flow(name="backfill", task_runner=_RUNNER, persist_result=False)
def backfill(
    source_id: str, start: date, base_url: str | None = None, lake: Path | None = None, data: Path | None = None
) -> pipeline.Outcome:
    """Look at one source again for every period since `start`, then publish."""
    workspace = Workspace.open(_settings(lake, data))
    pipeline.backfill(workspace, _as_tasks, _tell(), source_id, start, base_url)
    outcome = pipeline.publish(workspace, _as_tasks, _tell())
    _show(outcome)
    return outcome
