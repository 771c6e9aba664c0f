"""`crossings bring`: anybody's file of figures becomes a source, by what it shows and the little that only a person can say."""

from __future__ import annotations

import datetime as dt
import json as jsonlib
import re
import unicodedata
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer
import yaml
from rich.console import Console
from rich.markup import escape

from crossings.durable import write_file
from crossings.errors import CrossingsError, UnreadableInput
from crossings.lake import digest
from crossings.settings import settings
from crossings.source.model import InvalidSource, SourceSpec
from crossings.source.reader import build_source, load_labels
from flows import pipeline, stage
from flows.cli.options import Edition, Json
from flows.cli.printing import table
from flows.collect import questions
from flows.workspace import Workspace, read_file
from transforms.bring import draft as drafting
from transforms.bring import roles
from transforms.bring.statements import statements
from transforms.parse import registry
from transforms.parse.contract import Parsed, Payload
from transforms.parse.statements_csv import Statements
from transforms.reports import reference
from transforms.series import definitions

_OPTIONS = {"counts": "--counts", "country": "--country", "as": "--as", "freq": "--freq", "dates": "--dates", "unit": "--unit",
            "spelling": "--spelling", "year_starts": "--year-starts", "marks": "--marks", "statistic": "--statistic"}  # fmt: skip


def bring(
    file: Annotated[Path, typer.Argument(help="CSV of any dialect, XLSX, JSON, JSON-stat, PC-Axis or Parquet.")],
    counts: Annotated[
        str | None,
        typer.Option(
            metavar="WHAT", help="What a figure counts: " + ", ".join(drafting.COUNTED) + "; `entries of RUS`."
        ),
    ] = None,
    country: Annotated[
        str | None, typer.Option(help="The country that the figures speak of, where no column says it.")
    ] = None,
    as_: Annotated[
        list[str] | None,
        typer.Option(
            "--as", metavar="COLUMN=MEANING", help="Meanings: " + ", ".join(roles.MEANINGS) + ". May be repeated."
        ),
    ] = None,
    freq: Annotated[str | None, typer.Option(help="What a date stands for: D, W, W-end, M, Q, S, A.")] = None,
    dates: Annotated[str | None, typer.Option(help="Order of dates that can be read both ways: dmy or mdy.")] = None,
    spelling: Annotated[
        str | None, typer.Option(help="How periods are spelled, in tokens: D.M.YYYY, YYYY-Www, MON YY.")
    ] = None,
    unit: Annotated[int | None, typer.Option(help="Units in one figure: 1000 for thousands.")] = None,
    year_starts: Annotated[
        int | None, typer.Option(help="First month of the publisher's year, where it is not January.")
    ] = None,
    statistic: Annotated[
        str | None, typer.Option(help="total, mean_per_day, mean_per_month, or `cumulative since 2022-02-24`.")
    ] = None,
    marks: Annotated[
        str | None, typer.Option(help="What a point or comma before three digits is: thousands or decimals.")
    ] = None,
    path: Annotated[str | None, typer.Option(help="JSON pointer to the list, where a document holds several.")] = None,
    publisher: Annotated[str | None, typer.Option(help="Who published the file.")] = None,
    title: Annotated[str | None, typer.Option(help="What the file is, in a few words.")] = None,
    source_id: Annotated[
        str | None, typer.Option("--id", help="Name of the source; without it, made of the file's name.")
    ] = None,
    edition: Edition = None,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Ask nothing: for scripts.")] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be brought, and write nothing.")] = False,
    json: Json = False,
) -> None:
    """Bring anybody's file: see what it is, say what it cannot, and take its figures in.

    It shows how it read the file, asks only what cannot be seen, writes the source's YAML into data/sources and brings the file.
    The next file of that shape needs no question: the same command, or `crossings ingest ID --file FILE`.

    Examples:

    - `crossings bring figures.csv`

    - `crossings bring figures.csv --counts "entries of RUS" --yes`

    - `crossings bring arrivals.xlsx --counts visits --country GEO --as sex=sum --publisher "Statistics office"`
    """
    console = Console(stderr=json, highlight=False, soft_wrap=True)
    workspace = Workspace.open(settings())
    name = source_id or named_after(file)
    day = None if edition is None else edition.date()
    if not file.is_file():
        raise CrossingsError(f"there is no file {file}", "give the path of a file that is there")
    content = read_file(file)
    payload = Payload(content, digest(content), file.name)
    answers = drafting.Answers(
        counts=counts,
        country=country,
        freq=freq,
        dates=dates,
        spelling=spelling,
        unit=unit,
        year_starts=year_starts,
        marks=marks,
        path=path,
        publisher=publisher,
        title=title,
    )
    for said in as_ or []:
        answers = answers.told("as", said)
    if statistic is not None:
        answers = answers.told("statistic", statistic)
    known = workspace.sources.get(name)
    written = None
    if known is not None and answers == drafting.Answers():
        spec, parsed = known, read_by(known, payload)
        console.print(f"{file.name} is read as the source {name} says")
    else:
        document, spec, parsed = understood(console, workspace, payload, name, answers, ask=not (yes or json))
        written = as_yaml(document)
        if known is not None and workspace.source_path(name).read_text(encoding="utf-8") != written:
            raise CrossingsError(
                f"there is another source {name!r} already",
                "give this one another name with --id, or change data/sources yourself",
            )
    show(console, parsed)
    if dry_run:
        console.print(f"nothing was written; the source would be data/sources/{name}.yaml:\n", markup=False)
        console.print(written or workspace.source_path(name).read_text(encoding="utf-8"), markup=False)
        return
    if not (yes or json) and not typer.confirm("Bring it?", default=True):
        console.print("nothing was written")
        return
    if written is not None:
        write_file(workspace.source_path(name), written.encode())
        workspace = Workspace.open(settings())
    result, stage_name = pipeline.ingest_one(workspace, name, lambda: questions.bring(workspace, spec, [file], day))
    if json:
        print(jsonlib.dumps(result | {"source": str(workspace.source_path(name))}, indent=1))
        return
    console.print("{source_id}: {rows_in:,} rows in = {accepted:,} accepted + {quarantined:,} quarantined "
                  "+ {duplicates:,} duplicates".format(**result))  # fmt: skip
    found = stage.Stage(workspace.staging / stage_name)
    for row in found.frame("quarantine").iloc[len(parsed.rejected) :].head(5).itertuples():
        console.print(f"[yellow]set aside[/] {escape(f'{row.payload_locator}: {row.reason} ({row.rule})')}")
    told = found.frame("findings")
    for row in told.loc[told["severity"] != "info"].head(5).itertuples():
        console.print(f"[yellow]{row.severity}[/] {escape(str(row.message))}")
    console.print(f"  source      {workspace.source_path(name)}")
    console.print("  next        crossings run --local")
    if len(reports := found.frame("reports")):
        console.print(f"  and then    crossings show {reports['country'].value_counts().index[0]}")


def as_statements(console: Console, file: Path, content: bytes, answers: drafting.Answers) -> Statements:
    """The figures of anybody's file as statements, as it shows and as was answered; CrossingsError where that is too little."""
    workspace = Workspace(settings(), dt.datetime.now(dt.UTC))
    payload = Payload(content, digest(content), file.name)
    _, spec, parsed = understood(console, workspace, payload, named_after(file), answers, ask=False)
    show(console, parsed)
    return statements(parsed, spec, reference.read(workspace.reference).main_timezone)


def named_after(file: Path) -> str:
    """The id of a source after the name of its file, without the years and dates that tell one edition from the next."""
    plain = unicodedata.normalize("NFKD", file.stem).encode("ascii", "ignore").decode()
    kept, dated = list[str](), False
    for word in re.findall(r"[a-z0-9]+", plain.casefold()):
        dated = bool(re.fullmatch(r"(?:19|20)\d\d(?:\d\d){0,2}", word)) or (dated and word.isdigit() and len(word) <= 2)
        kept += [] if dated else [word]
    name = "-".join(kept)
    return name if name[:1].isalpha() else f"file-{name}".rstrip("-")


def understood(
    console: Console, workspace: Workspace, payload: Payload, name: str, answers: drafting.Answers, *, ask: bool
) -> tuple[dict[str, object], SourceSpec, Parsed]:
    """The document of a source after what was open has been answered, its model, and what it reads in the file.

    Raises CrossingsError where it may not ask, and where less than half of the file is read.
    """
    labels = load_labels(settings().data / "reference" / "labels.csv")
    zones = reference.read(workspace.reference).main_timezone
    shown = False
    before = answers
    while True:
        try:
            found = drafting.draft(payload, name, answers, labels, zones)
        except CrossingsError as fault:
            if answers == before:
                raise
            console.print(f"  [yellow]{escape(str(fault))}[/]")
            answers = before
            continue
        before = answers
        if not shown:
            tell(console, found)
            shown = True
        waiting = list(found.open)
        if not waiting:
            spec, parsed = tried(payload, found.document, name, labels)
            waiting = drafting.doubtful(parsed) if answers.statistic is None else []
            if not waiting:
                tell_left(console, found)
                return found.document, spec, parsed
        if not ask:
            said = "say " + "; ".join(f"{_OPTIONS[q.key]}: {q.text} {_choices(q)}".strip() for q in waiting)
            raise CrossingsError("the file does not say everything", said)
        answers = answers.told(waiting[0].key, asked(console, waiting[0]))


def _choices(question: roles.Unseen) -> str:
    return "(" + ", ".join(answer for answer, _ in question.choices[:15]) + ")" if question.choices else ""


def asked(console: Console, question: roles.Unseen) -> str:
    """The answer to one question: its number, its word, or words of one's own where there are no choices."""
    console.print(f"\n[bold]{escape(question.text)}[/]")
    for number, (answer, meaning) in enumerate(question.choices, 1):
        console.print(f"  {number:>2}  {escape(answer):<14} {escape(meaning)}")
    while True:
        said = str(typer.prompt("  answer", prompt_suffix=": ")).strip()
        first, _, rest = said.partition(" ")
        if first.isdigit() and 1 <= int(first) <= len(question.choices) and (not rest or question.key == "counts"):
            return f"{question.choices[int(first) - 1][0]} {rest}".strip()
        words = {answer.casefold() for answer, _ in question.choices}
        if not words or said.casefold() in words or (question.key == "counts" and first.casefold() in words):
            return said
        console.print("  [yellow]say one of the numbers or words above[/]")


def tell_left(console: Console, found: drafting.Draft) -> None:
    """Labels that are left out of a file, once it is known how it is read."""
    for name, said in found.facts:
        if name == "left out":
            console.print(f"  {name:<11} {escape(said)}")


def tell(console: Console, found: drafting.Draft) -> None:
    """What was understood of a file."""
    for name, said in found.facts:
        if name != "left out":
            console.print(f"  {name:<11} {escape(said)}")
    rows = [[name, meaning, examples] for name, meaning, examples in found.columns]
    table(console, [("column", "left"), ("means", "left"), ("for example", "left")], rows)


def as_yaml(document: dict[str, object]) -> str:
    """A source's document as the text of its file."""
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
    return "# Made by `crossings bring`; correct it where it is wrong, it is read anew each time.\n" + text


def read_by(spec: SourceSpec, payload: Payload) -> Parsed:
    """What a source reads in a single file."""
    (name,) = questions.payload_names(spec, [payload.name])
    return registry.parse([replace(payload, name=name)], spec)


def tried(
    payload: Payload, document: dict[str, object], name: str, labels: dict[str, dict[str, str]]
) -> tuple[SourceSpec, Parsed]:
    """The source, and what it reads in the file. Raises CrossingsError where that is less than half."""
    try:
        spec = build_source(document, f"{name}.yaml", labels)
    except InvalidSource as fault:
        raise UnreadableInput(
            f"{payload.name}: its table is not understood ({fault})",
            "a table has one row of names above its rows; join two rows of names into one",
        ) from fault
    parsed = read_by(spec, payload)
    frame = parsed.observations.assign(series=definitions.identifiers(parsed.observations))
    key = ["series", "period_start", "period_end"]
    if (twice := frame.duplicated(key, keep=False)).any():
        row = frame.loc[twice].iloc[0]
        raise UnreadableInput(
            f"{payload.name}: {row['series']} has several figures for {row['period_start']}, first at {row['payload_locator']}",
            "say with --as which column tells them apart: citizenship, place, sum or total",
        )
    if len(parsed.rejected) > len(parsed.observations):
        row = parsed.rejected.iloc[0]
        raise UnreadableInput(
            f"{payload.name}: {len(parsed.rejected):,} figures cannot be taken, only {len(parsed.observations):,} can; first "
            f"{row['payload_locator']}: {row['reason']}",
            "say with --as what the columns mean (sum, total, place, ignore, …)",
        )
    return spec, parsed


def show(console: Console, parsed: Parsed) -> None:
    """What figures would become."""
    frame = parsed.observations
    chosen = frame.iloc[sorted({0, len(frame) // 2, len(frame) - 1})] if len(frame) else frame
    rows = []
    for row in chosen.to_dict("records"):
        whose = "all travellers" if row["citizenship"] == "all" else f"citizens of {row['citizenship']}"
        whose += "" if row["mode"] == "all" else f", {row['mode']}"
        what = f"{row['country']} {row['direction']}, {whose}, {row['measure']} ({row['system']}), {row['scope']}"
        days = f"{row['period_start']}" + ("" if row["freq"] == "D" else f" to {row['period_end']}")
        value = "no figure" if row["value"] is None or row["value"] != row["value"] else f"{row['value']:,}"
        rows.append([row["payload_locator"], row["value_text"] or "", f"{days}: {value}", what])
    table(console, [("where", "left"), ("figure", "left"), ("becomes", "left"), ("of", "left")], rows)
    empty = int(frame["value"].isna().sum())
    console.print(
        f"{len(frame) - empty:,} figures understood, {len(parsed.rejected):,} set aside"
        + (f", {empty:,} cells without a figure" if empty else "")
        + (f", {parsed.unselected:,} left out as totals" if parsed.unselected else "")
        + (f", {parsed.summed:,} added to others" if parsed.summed else "")
    )
    for row in parsed.rejected.head(3).itertuples():
        console.print(f"[yellow]set aside[/] {escape(f'{row.payload_locator}: {row.reason} ({row.rule})')}")
    for note in parsed.notes[:3]:
        console.print(f"[yellow]note[/] {escape(note.message)}")
