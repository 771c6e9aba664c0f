"""A lake where statements and official figures stand beside each other: the small register and five little sources."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import yaml

_ABOUT = {
    "title": "Figures made for a test", "publisher": "Office of examples", "licence": {"name": "CC0", "terms": "none"},
    "language": "en", "timezone": "UTC", "system": "border_control", "measure": "crossings", "fetch": {"offline": True},
    "bounds": {"min_rows": 1}, "confirmed": False, "to_confirm": ["everything"], "parser": "table",
    "options": {"columns": ["when", "people"], "values": ["people"]},
}  # fmt: skip


@dataclass(frozen=True)
class Office:
    """A source of one series: the parts of its series, the frequency of its periods, and its file."""

    name: str
    country: str
    series: dict[str, str]
    freq: str
    content: str

    def yaml(self) -> str:
        """Its file in data/sources."""
        about = {"id": self.name, "country": self.country, "cadence": self.freq} | _ABOUT
        formats = "YYYY-MM-DD" if self.freq == "D" else "YYYY-MM"
        mapping = {
            "series": {"country": self.country, "scope": "national", "direction": "entry"} | self.series,
            "time": {"dimension": "when", "freq": self.freq, "formats": formats},
            "unit": {"text": "persons"},
        }
        return yaml.safe_dump(json.loads(json.dumps(about | {"mapping": mapping})), sort_keys=False)


ESTONIA = "EST/entry/RUS/national/all/crossings/border_control"
FINLAND = "FIN/entry/RUS/national/land/crossings/border_control"
TRAINS = "EST/entry/RUS/checkpoint:narva/rail/crossings/border_control"
LATVIANS = "EST/entry/LVA/national/all/crossings/border_control"
OFFICES = (
    Office("ee-example-days", "EST", {"mode": "all", "citizenship": "RUS"}, "D",
           "when,people\n2022-09-24,1520\n2022-09-25,1488\n2022-09-26,1610\n"),
    Office("ee-example-latvians", "EST", {"mode": "all", "citizenship": "LVA"}, "M", "when,people\n2022-09,7120\n"),
    Office("ee-example-trains", "EST", {"mode": "rail", "citizenship": "RUS", "scope": "checkpoint:narva"}, "M",
           "when,people\n2022-12,341\n"),
    # The register has 8,572, 8,314 and 7,743 on the first three days, and nothing on the last.
    Office("fi-example-days", "FIN", {"mode": "land", "citizenship": "RUS", "counterpart": "RUS"}, "D",
           "when,people\n2022-09-24,8572\n2022-09-25,8314\n2022-09-26,9100\n2022-10-03,5005\n"),
    Office("fi-example-months", "FIN", {"mode": "land", "citizenship": "RUS", "counterpart": "RUS"}, "M",
           "when,people\n2022-11,60120\n"),
)  # fmt: skip


def build(folder: Path, small: Callable[[Path], Path]) -> tuple[Path, Path]:
    """The lake with one release of it all, and its data folder. small : makes the data folder of the small register."""
    from crossings.settings import Settings
    from flows import pipeline
    from flows.collect import questions
    from flows.workspace import Workspace

    data = small(folder / "data")
    for path in (data / "sources").glob("*.yaml"):
        if path.stem != "register":
            path.unlink()
    for office in OFFICES:
        (data / "sources" / f"{office.name}.yaml").write_text(office.yaml(), encoding="utf-8")
    workspace = Workspace.open(Settings(lake=folder / "lake", data=data))
    pipeline.ingest(workspace, pipeline.in_process, lambda _: None, ["register"])
    for office in OFFICES:
        path = folder / f"{office.name}.csv"
        path.write_text(office.content, encoding="utf-8")
        questions.bring(workspace, workspace.source(office.name), [path], None)
    pipeline.publish(workspace, pipeline.in_process, lambda _: None)
    return folder / "lake", data
