"""The pipeline once, for both ways to start it: in-process, or as a Prefect flow.

`each` carries a step out for several items: a plain loop with `--local`, Prefect tasks otherwise. Nothing else differs,
so the bytes cannot. The steps that validate are imported where they are needed: Great Expectations takes three seconds
to load, and a run whose inputs are those of the current release must not wait for it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from typing import Any, Protocol

from crossings.errors import CrossingsError, StorageFault
from crossings.lake import Release, release_id
from flows import stage
from flows.collect import standing
from flows.steps import build
from flows.steps import collect as collecting
from flows.workspace import Workspace

Tell = Callable[[str], None]


class Each(Protocol):
    """Carries out one step for several items and returns the results in their order."""

    def __call__(self, step: Callable[..., str], workspace: Workspace, items: Sequence[tuple[Any, ...]]) -> list[str]:
        """Results of `step(workspace, *item)` for each item."""
        ...


@dataclass(frozen=True)
class Outcome:
    """What a run did.

    Attributes
    ----------
    release : identifier of the current release. written : whether a byte was written into releases/.
    counts : row accounting by source; empty when the inputs were those of the current release.
    rows : rows of each table of the release. page : the validation page.
    """

    release: str
    written: bool
    unchanged: bool
    path: str
    page: str
    counts: list[dict[str, Any]] = field(default_factory=list)
    rows: dict[str, int] = field(default_factory=dict)
    findings: dict[str, int] = field(default_factory=dict)


def in_process(step: Callable[..., str], workspace: Workspace, items: Sequence[tuple[Any, ...]]) -> list[str]:
    """Each item in turn, in this process."""
    return [step(workspace, *item) for item in items]


def run(workspace: Workspace, each: Each, tell: Tell, *, rebuild: bool = False, base_url: str | None = None) -> Outcome:
    """Collect, ingest, estimate, gate and publish.

    rebuild : do all the work even where the inputs are those of the current release, and compare the bytes.
    base_url : ask this served copy for the sources that were confirmed on one, and no publisher.
    Every run, failed ones included, leaves a line in `runs.jsonl`.
    """
    with _remembered(workspace) as note:
        payloads = collecting.archived(workspace) | _look_around(workspace, each, tell, base_url)
        outcome = _publish(workspace, each, tell, payloads, rebuild)
        note(asdict(outcome) | {"outcome": "unchanged" if outcome.unchanged else "published"})
    return outcome


def publish(workspace: Workspace, each: Each, tell: Tell, *, rebuild: bool = False) -> Outcome:
    """Ingest what the archive holds, estimate, gate and publish, without looking at any publisher."""
    with _remembered(workspace) as note:
        outcome = _publish(workspace, each, tell, collecting.archived(workspace), rebuild)
        note(asdict(outcome) | {"outcome": "unchanged" if outcome.unchanged else "published"})
    return outcome


def ingest(
    workspace: Workspace, each: Each, tell: Tell, source_ids: Sequence[str] | None = None
) -> list[dict[str, Any]]:
    """Collect and judge sources without publishing; returns the row accounting."""
    with _remembered(workspace) as note:
        counts = _ingest(workspace, each, tell, collect(workspace, each, tell, source_ids))[1]
        note({"outcome": "ingested", "counts": counts})
    return counts


def ingest_one(workspace: Workspace, source_id: str, collected: Callable[[], str]) -> tuple[dict[str, Any], str]:
    """Collect one source as `collected` does and judge it; returns its row accounting and the name of its stage."""
    from flows.steps import ingest as ingesting  # noqa: PLC0415

    with _remembered(workspace) as note:
        name = ingesting.ingest(workspace, source_id, collected(), strict=True)
        counts = stage.Stage(workspace.staging / name).summary["counts"]
        note({"outcome": "ingested", "counts": [counts]})
    return counts, name


def backfill(
    workspace: Workspace, each: Each, tell: Tell, source_id: str, start: date, base_url: str | None = None
) -> dict[str, Any]:
    """Look at one source for every period since `start` and judge what came; returns its row accounting."""
    with _remembered(workspace) as note:
        tell(f"looking at {source_id} since {start}")
        [sha256] = each(collecting.look_back, workspace, [(source_id, start, base_url)])
        counts: dict[str, Any] = _ingest(workspace, each, tell, {source_id: sha256})[1][0]
        note({"outcome": "backfilled", "counts": [counts]})
    return counts


def collect(workspace: Workspace, each: Each, tell: Tell, source_ids: Sequence[str] | None = None) -> dict[str, str]:
    """Look at the sources; returns what each has in the archive now."""
    wanted = list(source_ids) if source_ids else collecting.sources(workspace)
    tell(f"looking at {', '.join(wanted)}")
    return dict(zip(wanted, each(collecting.collect, workspace, [(source,) for source in wanted]), strict=True))


def _look_around(workspace: Workspace, each: Each, tell: Tell, base_url: str | None) -> dict[str, str]:
    """Look at every source of a run; one whose publisher gives nothing usable keeps what the archive holds of it."""
    wanted = collecting.sources(workspace, base_url)
    tell(f"looking at {', '.join(wanted)}")
    found = dict(
        zip(wanted, each(collecting.collect_or_keep, workspace, [(source, base_url) for source in wanted]), strict=True)
    )
    for source in workspace.sources:
        change = standing.standing(workspace, source).changed
        looks = workspace.archive.looks(source) if source in wanted else []
        if change is not None:
            tell(f"{source}: changed on {change.at:%Y-%m-%d} and looked at no further: {change.why}; what was read before "
                 f"stands; `crossings sources check {source}` shows what comes now")  # fmt: skip
        elif looks and looks[-1].outcome == "failed":
            tell(f"{source}: {looks[-1].error}; what the archive holds of it stands")
    return {source: sha256 for source, sha256 in found.items() if sha256}


def _ingest(
    workspace: Workspace, each: Each, tell: Tell, payloads: dict[str, str]
) -> tuple[list[str], list[dict[str, Any]]]:
    tell("parsing, deciding, encoding and judging (Great Expectations takes a few seconds to start)")
    from flows.steps import ingest as ingesting  # noqa: PLC0415

    ingested = each(ingesting.ingest, workspace, list(payloads.items()))
    counts = [stage.Stage(workspace.staging / name).summary["counts"] for name in ingested]
    for row in counts:
        tell("{source_id}: {rows_in:,} rows in = {accepted:,} accepted + {quarantined:,} quarantined "
             "+ {duplicates:,} duplicates".format(**row))  # fmt: skip
    return ingested, counts


def _publish(workspace: Workspace, each: Each, tell: Tell, payloads: dict[str, str], rebuild: bool) -> Outcome:
    if not payloads:
        raise CrossingsError(
            "the archive holds nothing to publish", "run `crossings run` or `crossings ingest SOURCE` first"
        )
    inputs = collecting.planned(workspace, payloads)
    current = workspace.lake.current()
    unchanged = current is not None and current.path.name == release_id(inputs) and not rebuild
    if current is not None and unchanged and (damaged := current.verify()):
        tell(f"{len(damaged)} files of the current release are not as published; making them again")
        rebuild = True
    elif current is not None and unchanged:
        _note_release(workspace, payloads)
        return _outcome(workspace, current, written=False, unchanged=True, counts=[])
    if rebuild:
        stage.prune(workspace.staging, set())
    ingested, counts = _ingest(workspace, each, tell, payloads)
    found = build.countries(workspace, ingested)
    tell(f"bounds, conflicts and estimates for {', '.join(found)}")
    estimated = each(build.estimate, workspace, [(ingested, country) for country in found])
    tell("release gates")
    from flows.steps import publish as publishing  # noqa: PLC0415

    published = publishing.release(workspace, ingested, estimated, inputs)
    _note_release(workspace, payloads)
    stage.prune(workspace.staging, {*ingested, *estimated})
    return _outcome(workspace, published.release, written=published.written, unchanged=False, counts=counts)


def _note_release(workspace: Workspace, payloads: dict[str, str]) -> None:
    for source in payloads:
        standing.released(workspace, source)


def _outcome(
    workspace: Workspace, release: Release, *, written: bool, unchanged: bool, counts: list[dict[str, Any]]
) -> Outcome:
    severities = Counter(release.read("findings", columns=["severity"])["severity"].to_pylist())
    return Outcome(
        release=release.path.name, written=written, unchanged=unchanged, path=str(release.path),
        page=str(workspace.lake.root / "validation" / f"{release.path.name}.html"), counts=counts,
        rows={name: table["rows"] for name, table in release.manifest["tables"].items()},
        findings={name: severities[name] for name in ("stop", "error", "warn", "info") if severities[name]},
    )  # fmt: skip


@contextmanager
def _remembered(workspace: Workspace) -> Iterator[Callable[[dict[str, Any]], None]]:
    """Hold the lake for one run and leave one line about it in `runs.jsonl`, whatever comes of it."""
    what: dict[str, Any] = {}

    def remember(what: dict[str, Any]) -> None:
        ends = datetime.now(UTC).isoformat()
        workspace.lake.runs.append({"started_at": workspace.now.isoformat(), "ended_at": ends, **what})

    with workspace.lake.writing():
        try:
            yield what.update
        except BaseException as error:
            told = isinstance(error, CrossingsError)
            with suppress(StorageFault):  # what ended the run is what has to be told
                remember({"outcome": "failed", "error": str(error)} if told else what or {"outcome": "broken off"})
            raise
        remember(what or {"outcome": "broken off"})
