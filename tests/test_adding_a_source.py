"""docs/adding-a-source.md, followed to the letter in a temporary copy: its files, its commands, and what it says of errors."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from importlib import import_module
from pathlib import Path

import pytest
import yaml
from published import Spoken
from serving import served

from crossings.lake import Lake, digest
from crossings.source.reader import read_source
from transforms.parse.periods import Calendar, read_period
from transforms.parse.registry import adapter

ROOT = Path(__file__).parents[1]
GUIDE = (ROOT / "docs" / "adding-a-source.md").read_text(encoding="utf-8")
NAME = "ee-example-crossings"
PAYLOADS = Path("tests") / "payloads" / NAME
Command = Callable[..., Spoken]


def files() -> dict[Path, str]:
    """The files that the guide tells to write, by path."""
    found = re.findall(r"[Ww]rite[^`]*`([\w./-]+)`[^`]*?:\n\n```\w+\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    expected = re.findall(r"as `([\w./-]+expected\.json)`.*?```json\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    return {Path(path): content for path, content in (*found, *expected)}


def commands() -> list[str]:
    """The commands of the guide, in order."""
    return [line for block in re.findall(r"```sh\n(.*?)```", GUIDE, re.DOTALL) for line in block.splitlines()]


def below(folder: Path) -> dict[Path, str]:
    return {p.relative_to(folder): digest(p.read_bytes()) for p in sorted(folder.rglob("*")) if p.is_file()}


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A copy of the data and of what the contract test needs, with the new files and no others, as working directory."""
    place = tmp_path / "checkout"
    shutil.copytree(ROOT / "data", place / "data", ignore=shutil.ignore_patterns("lake"))
    support = (
        "conftest", "published", "sharing", "socket_guard", "statistics_lake", "parse_support", "test_source_contract",
    )  # fmt: skip
    shutil.copytree(ROOT / "tests" / "payloads", place / "tests" / "payloads")
    for name in support:
        shutil.copy(ROOT / "tests" / f"{name}.py", place / "tests")
    shutil.copy(ROOT / "pyproject.toml", place)
    before = below(place)
    for path, content in files().items():
        (place / path).parent.mkdir(parents=True, exist_ok=True)
        (place / path).write_text(content, encoding="utf-8")
    after = below(place)
    assert {path for path in after if after[path] != before.get(path)} == set(files()), "no other file had to change"
    monkeypatch.chdir(place)
    monkeypatch.delenv("CROSSINGS_DATA", raising=False)
    monkeypatch.setenv("CROSSINGS_LAKE", str(tmp_path / "lake"))
    return place


def test_the_guide_writes_one_yaml_and_one_folder() -> None:
    assert set(files()) == {
        Path("data") / "sources" / f"{NAME}.yaml",
        *(PAYLOADS / name for name in ("metadata.json", "data.json", "expected.json")),
    }


def test_a_protocol_is_added_in_the_places_that_the_guide_names() -> None:
    section = GUIDE.partition("## 5.")[2].partition("\n## ")[0]
    places = re.findall(r"^\| `([\w./]+)` \|", section, re.MULTILINE)
    assert len(places) == 4
    assert all(
        (ROOT / place).exists() for place in (*places, *re.findall(r"`((?:flows|tests|transforms)/[\w./]+)`", section))
    )
    for name in set(
        re.findall(r"\b(only|assemble|address_of|ask_one|unreadable|Question|Figures|Questions|Span)\b", section)
    ):
        homes = ("contract", "mapping", "addresses")
        assert any(hasattr(import_module(f"transforms.parse.{home}"), name) for home in homes), name


def test_the_options_that_the_guide_shows_are_options() -> None:
    shown = [yaml.safe_load(block) for block in re.findall(r"```yaml\n(parser: .*?)```", GUIDE, re.DOTALL)]
    assert [block["parser"] for block in shown] == ["table", "workbook", "records"]
    for block in shown:
        adapter(block["parser"]).options.model_validate({**block["options"], "parser": block["parser"]})
    rows = GUIDE.partition("### Shapes of workbooks")[2].partition("### JSON records")[0]
    named = set(re.findall(r"`(\w+):", re.sub(r"```.*?```", "", rows, flags=re.DOTALL)))
    assert named <= set(adapter("workbook").options.model_fields)


@pytest.fixture
def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


@pytest.fixture
def background() -> Iterator[list[subprocess.Popen[str]]]:
    started: list[subprocess.Popen[str]] = []
    yield started
    for child in started:
        child.kill()
        child.wait()
        assert child.stdout is not None
        child.stdout.close()


def test_every_command_of_the_guide_does_what_it_says(
    checkout: Path, tmp_path: Path, command: Command, free_port: int, background: list[subprocess.Popen[str]]
) -> None:
    said: dict[str, str] = {}
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    for line in commands():
        words = shlex.split(line.replace("8766", str(free_port)))
        if words[0] == "export":
            assert words[1].startswith("CROSSINGS_LAKE=")  # the fixture has set another one
        elif words[0] == "kill":
            background[0].terminate()
            background[0].wait(timeout=300)
        elif words[0] == "python":
            run = subprocess.run(
                [sys.executable, *words[1:], "-p", "no:cacheprovider"], capture_output=True, text=True, env=environment,
                check=False,
            )  # fmt: skip
            assert run.returncode == 0, run.stdout
            said["contract"] = run.stdout
        elif words[-1] == "&":
            program = [sys.executable, "-c", "from flows.cli import main; main()"]
            background.append(
                subprocess.Popen([*program, *words[1:-1]], stdout=subprocess.PIPE, text=True, env=environment)
            )
            assert background[0].stdout is not None
            assert background[0].stdout.readline().startswith("serving ")
        else:
            assert words[0] == "crossings"
            spoken = command(*words[1:])
            assert spoken.code == 0, spoken.err
            said[" ".join(words[1:3])] = spoken.out
    assert re.search(rf"{NAME}\* +EST +crossings +M +never", said["sources"])
    assert re.search(r"\b[4-9] passed", said["contract"])
    assert "6 accepted, 0 refused" in said[f"sources check {NAME}".rsplit(" ", 1)[0]]
    assert "```text\n" + said[f"ingest {NAME}"].splitlines()[0] + "\n```" in GUIDE
    official = Lake(tmp_path / "lake").release().read("official", "EST").to_pandas()
    assert len(official) == 6
    russians = official[official["citizenship"] == "RUS"].sort_values("date")
    assert russians["value"].tolist() == [560, 610]
    assert russians["report_id"].str.startswith(f"{NAME}:").all()
    latvians = official[official["citizenship"] == "LVA"].sort_values("date")
    assert latvians["obs_status"].tolist() == ["Q", "A"]


WRONG_YAML = {
    "cadance: M": (("cadence: M", "cadance: M"),),
    "measure: crossing": (("measure: crossings", "measure: crossing"),),
    "another file name": (("id: ee-example-crossings", "id: ee-other"),),
    "http://": (("url: https://pxweb", "url: http://pxweb"),),
}


@pytest.mark.parametrize("mistake", WRONG_YAML)
def test_a_mistake_in_the_yaml_is_said_as_the_guide_says(mistake: str, checkout: Path, command: Command) -> None:
    path = checkout / "data" / "sources" / f"{NAME}.yaml"
    text = path.read_text(encoding="utf-8")
    for right, wrong in WRONG_YAML[mistake]:
        text = text.replace(right, wrong)
    path.write_text(text, encoding="utf-8")
    spoken = command("sources")
    assert spoken.code == 1
    assert len(spoken.err.strip().splitlines()) == 1
    (row,) = (line for line in GUIDE.splitlines() if line.startswith("|") and mistake in line.split("|")[1])
    for phrase in re.findall(r"`([^`]+)`", row.split("|")[2]):
        promised = phrase.partition("...")[0].partition(" — ")[0].replace("ee-example-crossings' ", "")
        if mistake == "another file name":
            promised = promised.replace("ee-example-crossings", "ee-other")
        for piece in promised.split("; "):
            assert piece in spoken.err


def renamed(metadata: str, data: str) -> tuple[str, str]:
    return metadata.replace('"Citizenship"', '"Nationality"'), data


def added(metadata: str, data: str) -> tuple[str, str]:
    root = json.loads(metadata)
    root["variables"].append({"code": "Sex", "text": "Sex", "values": ["0"], "valueTexts": ["Total"]})
    return json.dumps(root), data


def dropped(metadata: str, data: str) -> tuple[str, str]:
    cube = json.loads(data)
    del cube["dimension"]["Citizenship"], cube["status"]
    return metadata, json.dumps(cube | {"id": ["Month"], "size": [2], "value": [900, 820]})


def unmapped(metadata: str, data: str) -> tuple[str, str]:
    return metadata.replace("Latvia", "Ruritania"), data.replace("Latvia", "Ruritania")


def unequal(metadata: str, data: str) -> tuple[str, str]:
    return metadata, data.replace("610", "615")


def page(metadata: str, data: str) -> tuple[str, str]:
    return metadata, "<!DOCTYPE html><html><title>Down</title></html>"


PUBLISHER = {
    "renamed a variable": renamed,
    "added a variable": added,
    "dropped a dimension": dropped,
    "has a label nobody mapped": unmapped,
    "shows a total that is not its parts": unequal,
    "answers with a web page": page,
}


@pytest.mark.parametrize("change", PUBLISHER)
def test_a_publisher_that_changed_is_told_as_the_guide_says(
    change: str, checkout: Path, tmp_path: Path, command: Command
) -> None:
    folder = tmp_path / "changed"
    folder.mkdir()
    texts = ((checkout / PAYLOADS / name).read_text(encoding="utf-8") for name in ("metadata.json", "data.json"))
    for name, text in zip(("metadata.json", "data.json"), PUBLISHER[change](*texts), strict=True):
        (folder / name).write_text(text, encoding="utf-8")
    with served(read_source(checkout / "data" / "sources" / f"{NAME}.yaml", labels()), folder) as address:
        spoken = command("sources", "check", NAME, "--base-url", address)
    (row,) = (line for line in GUIDE.splitlines() if line.startswith(f"| {change} |"))
    (promised,) = re.findall(r"`([^`]+)`", row.split("|")[2])
    assert promised in spoken.err + spoken.out
    assert spoken.code == 1
    assert "Traceback" not in spoken.err


def labels() -> dict[str, dict[str, str]]:
    from crossings.source.reader import load_labels

    return load_labels(ROOT / "data" / "reference" / "labels.csv")


def test_the_spellings_of_the_guide_are_read_as_it_says():
    rows = re.findall(r"^\| `(.+?)` \| `(.+?)` \| `([DWMQSA])` \| (\S+) to (\S+) \|$", GUIDE, re.MULTILINE)
    assert len(rows) >= 10
    kept = Calendar(months={"septiembre": 9})
    for text, spelling, freq, first, last in rows:
        assert tuple(map(str, read_period(text, [spelling], freq, kept=kept))) == (first, last), text
