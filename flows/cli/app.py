"""The commands and their options; what they do stands in the modules beside."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    name="crossings",
    no_args_is_help=True,
    rich_markup_mode="markdown",
    add_completion=False,
    pretty_exceptions_enable=False,
    help="Reported border-crossing figures, kept as they were said, turned into tidy daily tables with proofs.",
)

Json = Annotated[bool, typer.Option("--json", help="Print JSON for a script instead of a table.")]
Country = Annotated[str, typer.Argument(help="ISO 3166-1 alpha-3 code, e.g. FIN, GEO, KAZ, MNG.")]
Day = Annotated[dt.datetime | None, typer.Option(formats=["%Y-%m-%d"])]


def _version(wanted: bool) -> None:
    if wanted:
        from crossings import __version__

        typer.echo(f"crossings {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None: ...


@app.command()
def run(
    local: Annotated[
        bool, typer.Option("--local", help="Run the same steps in this process, without a Prefect server.")
    ] = False,
    rebuild: Annotated[bool, typer.Option(help="Do all the work again and compare the bytes.")] = False,
    json: Json = False,
) -> None:
    """Bring all sources into a release: ingest, judge, estimate, publish.

    Examples:

    - `crossings run` — as a Prefect flow (its embedded server starts unless PREFECT_API_URL is set)

    - `crossings run --local` — the same steps and bytes without any server
    """
    from flows.cli.running import run_pipeline

    run_pipeline(local=local, rebuild=rebuild, json=json)


@app.command()
def status(
    archive: Annotated[
        bool, typer.Option("--archive", help="Also read every archived payload and name damaged ones.")
    ] = False,
    json: Json = False,
) -> None:
    """Show the current release, its tables, the last runs, and what was left out of the logs.

    Example: `crossings status --json`
    """
    from flows.cli.reading import show_status

    show_status(archive=archive, json=json)


@app.command()
def show(
    country: Country,
    start: Annotated[dt.datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First local date.")] = None,
    end: Annotated[dt.datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last local date.")] = None,
    direction: Annotated[str | None, typer.Option(help="entry, exit, both or net.")] = None,
    series: Annotated[
        str | None, typer.Option(help="Another series than the national one of citizens of Russia.")
    ] = None,
    release: Annotated[str | None, typer.Option(help="Another release than the current one.")] = None,
    json: Json = False,
) -> None:
    """Print the days of a country.

    Example: `crossings show FIN --from 2022-09-19 --to 2022-10-02`
    """
    from flows.cli.reading import show_days

    show_days(country, _date(start), _date(end), direction=direction, series=series, release=release, json=json)


@app.command()
def plot(
    country: Country,
    out: Annotated[Path, typer.Option(help="Picture to write: .png, .svg or .pdf.")],
    direction: Annotated[str, typer.Option(help="entry, exit, both or net.")] = "entry",
    series: Annotated[
        str | None, typer.Option(help="Another series than the national one of citizens of Russia.")
    ] = None,
    start: Annotated[dt.datetime | None, typer.Option("--from", formats=["%Y-%m-%d"], help="First local date.")] = None,
    end: Annotated[dt.datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last local date.")] = None,
) -> None:
    """Draw the days of a series with their bounds.

    Example: `crossings plot FIN --from 2022-09-12 --to 2022-10-05 --out finland.png`
    """
    from crossings.drawing import plot as drawn
    from crossings.drawing import save

    save(drawn(country, direction=direction, series=series, start=_date(start), end=_date(end)), out)
    typer.echo(f"wrote {out}")


@app.command()
def explain(
    country: Country,
    date: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"], help="Local date, e.g. 2022-09-26.")],
    direction: Annotated[str, typer.Option(help="entry, exit, both or net.")] = "entry",
    series: Annotated[
        str | None, typer.Option(help="Another series than the national one of citizens of Russia.")
    ] = None,
    release: Annotated[str | None, typer.Option(help="Another release than the current one.")] = None,
    json: Json = False,
) -> None:
    """Explain one day: value, bounds with proofs as small sums, reports, alternatives, conflicts, decisions.

    Example: `crossings explain FIN 2022-09-26 --direction entry`
    """
    from crossings.explanation import explain as explained

    found = explained(country, date.date(), direction=direction, series=series, release=release)
    typer.echo(found.to_json() if json else str(found))


@app.command()
def between(
    country: Country,
    start: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"], help="First local date.")],
    end: Annotated[dt.datetime, typer.Argument(formats=["%Y-%m-%d"], help="Last local date, inclusive.")],
    direction: Annotated[str, typer.Option(help="entry, exit, both or net.")] = "entry",
    series: Annotated[
        str | None, typer.Option(help="Another series than the national one of citizens of Russia.")
    ] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Only what had been published by then: 2022-09-28 or an instant.")
    ] = None,
    json: Json = False,
) -> None:
    """How many crossed between two dates: tightest bounds, estimate and proof.

    Example: `crossings between GEO 2022-09-21 2022-09-30 --direction entry`
    """
    from flows.cli.estimating import between as answer

    answer(country, start.date(), end.date(), direction=direction, series=series, json=json, as_of=as_of)


@app.command()
def estimate(
    reports: Annotated[Path, typer.Argument(help="CSV in the register's columns (data/register/README.md).")],
    out: Annotated[
        Path, typer.Option(help="Folder for daily.parquet, findings.parquet, reports.parquet, quarantine.parquet.")
    ],
    decisions: Annotated[Path | None, typer.Option(help="Decisions CSV, as data/register/decisions.csv.")] = None,
    events: Annotated[Path | None, typer.Option(help="Events CSV, as data/reference/events.csv.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="Only what had been published by then: 2022-09-28 or an instant.")
    ] = None,
    periods: Annotated[Path | None, typer.Option(help="CSV country,direction,start,end: adds periods.parquet.")] = None,
) -> None:
    """Estimate the days behind any file of reports, without a lake or a flow.

    Example: `crossings estimate data/register/reports.csv --decisions data/register/decisions.csv --out /tmp/estimate`
    """
    from flows.cli.estimating import estimate_file

    estimate_file(reports, out, decisions=decisions, events=events, as_of=as_of, periods=periods)


@app.command()
def ingest(
    source: Annotated[str, typer.Argument(help="Source id, see `crossings sources`.")],
    base_url: Annotated[
        str | None, typer.Option(help="A served copy instead of the publisher, e.g. http://127.0.0.1:8765.")
    ] = None,
    file: Annotated[
        list[Path] | None, typer.Option(help="A file at hand instead of the publisher; may be repeated.")
    ] = None,
    json: Json = False,
) -> None:
    """Look at one source: archive what comes, parse and judge it.

    Examples:

    - `crossings ingest mn-nso-border-points --base-url http://127.0.0.1:8765`

    - `crossings ingest ru-fsb-exits --file Russia_out.csv`
    """
    from flows.cli.sourcing import ingest as ingested

    ingested(source, base_url=base_url, files=file or [], json=json)


@app.command()
def publish(
    local: Annotated[
        bool, typer.Option("--local", help="Run the same steps in this process, without a Prefect server.")
    ] = False,
    json: Json = False,
) -> None:
    """Publish what the archive holds, without looking at any publisher.

    Example: `crossings publish --local`
    """
    from flows.cli.running import run_pipeline

    run_pipeline(local=local, rebuild=False, json=json, look=False)


@app.command()
def backfill(
    source: Annotated[str, typer.Argument(help="Source id, see `crossings sources`.")],
    start: Annotated[dt.datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="Look back as far as this date.")],
    base_url: Annotated[str | None, typer.Option(help="A served copy instead of the publisher.")] = None,
    json: Json = False,
) -> None:
    """Look at a source again for every period since a date; what changed becomes a revision.

    Example: `crossings backfill mn-nso-border-points --from 2019-01-01`
    """
    from flows.cli.sourcing import look_back

    look_back(source, start.date(), base_url=base_url, json=json)


@app.command()
def requarantine(json: Json = False) -> None:
    """Judge everything in quarantine again, after a rule, a decision or a record was mended.

    Example: `crossings requarantine`
    """
    from flows.cli.sourcing import requarantine as again

    again(json=json)


sources = typer.Typer(
    help="List the sources with their freshness; check one live; serve a copy of one.", no_args_is_help=False
)
app.add_typer(sources, name="sources")


@sources.callback(invoke_without_command=True)
def _list_sources(context: typer.Context, json: Json = False) -> None:
    if context.invoked_subcommand is None:
        from flows.cli.sourcing import list_sources

        list_sources(json=json)


@sources.command("check")
def check_source(
    source: Annotated[str, typer.Argument(help="Source id.")],
    base_url: Annotated[str | None, typer.Option(help="A served copy instead of the publisher.")] = None,
) -> None:
    """Look at a source live and tell what came against what is declared.

    Example: `crossings sources check mn-nso-border-points`
    """
    from flows.cli.sourcing import check

    check(source, base_url=base_url)


@sources.command("serve")
def serve_source(
    source: Annotated[str, typer.Argument(help="Source id.")],
    folder: Annotated[Path, typer.Argument(help="Recorded payloads, e.g. tests/payloads/mn-nso-border-points.")],
    port: Annotated[int, typer.Option(help="Port on 127.0.0.1; 0 chooses one.")] = 8765,
) -> None:
    """Play the publisher on this machine, so that its connector can be seen at work without internet.

    Example: `crossings sources serve mn-nso-border-points tests/payloads/mn-nso-border-points`
    """
    from flows.cli.sourcing import serve

    serve(source, folder, port)


@app.command()
def dictionary(
    write: Annotated[Path | None, typer.Option(help="Write it to this Markdown file instead of the screen.")] = None,
    rules: Annotated[bool, typer.Option("--rules", help="The rules with their actions and limits instead.")] = False,
) -> None:
    """Print the data dictionary: every table, column, type and code; with --rules every rule.

    Example: `crossings dictionary --write docs/dictionary.md`
    """
    from crossings import dictionary

    text = dictionary.rules() if rules else dictionary.markdown()
    if write is None:
        typer.echo(text)
    else:
        from crossings.durable import write_file

        write_file(write, text.encode())
        typer.echo(f"wrote {write}")


def _date(when: dt.datetime | None) -> dt.date | None:
    return when.date() if when else None
