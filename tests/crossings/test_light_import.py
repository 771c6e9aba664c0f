"""Reading and asking for help load neither the orchestrator nor the validator."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
from published import Published

HEAVY = {"prefect", "great_expectations", "scipy", "fastapi", "sqlalchemy"}

PROGRAM = textwrap.dedent("""
    import json, sys, time
    start = time.perf_counter()
    code = 0
    if sys.argv[1:]:
        sys.argv[0] = "crossings"
        from flows.cli import main
        try:
            main()
        except SystemExit as end:
            code = end.code or 0
    else:
        import crossings
    seconds = time.perf_counter() - start
    loaded = sorted({name.partition(".")[0] for name in sys.modules})
    print(json.dumps({"code": code, "loaded": loaded, "seconds": seconds}), file=sys.stderr)
""")


def loaded_by(*arguments: str, lake: Path) -> set[str]:
    done = subprocess.run([sys.executable, "-c", PROGRAM, *arguments], capture_output=True, text=True, check=True,
                          env={"CROSSINGS_LAKE": str(lake), "PATH": ""})  # fmt: skip
    found = json.loads(done.stderr.splitlines()[-1])
    assert found["code"] == 0, done.stdout
    print(f"{'crossings ' + ' '.join(arguments) if arguments else 'import crossings'}: {found['seconds']:.2f} s")  # noqa: T201
    return set(found["loaded"])


@pytest.mark.parametrize(
    "arguments",
    [(), ("--help",), ("--version",), ("run", "--help"), ("dictionary",), ("status", "--json"),
     ("show", "FIN", "--from", "2022-09-24", "--to", "2022-09-25"), ("sources", "--json")],
    ids=" ".join,
)  # fmt: skip
def test_neither_prefect_nor_great_expectations_is_loaded(arguments: tuple[str, ...], published: Published) -> None:
    assert loaded_by(*arguments, lake=published.lake) & {"prefect", "great_expectations"} == set()


@pytest.mark.parametrize("arguments", [(), ("--help",)], ids=["import crossings", "--help"])
def test_import_and_help_load_no_tables_either(arguments: tuple[str, ...], tmp_path: Path) -> None:
    assert loaded_by(*arguments, lake=tmp_path) & (HEAVY | {"pandas", "pyarrow", "numpy"}) == set()


@pytest.mark.parametrize("arguments", [("show", "FIN"), ("sources", "--json")], ids=" ".join)
def test_reading_loads_no_reader_of_any_publishers_files(arguments: tuple[str, ...], published: Published) -> None:
    assert loaded_by(*arguments, lake=published.lake) & {"openpyxl", "pyaxis", "defusedxml"} == set()
