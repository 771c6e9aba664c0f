"""The tables of the real register, digested: a change of any figure is a diff that somebody reads.

`python tests/test_golden.py` writes `golden.json` anew; what changed belongs into the changelog with its decision.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import pandas as pd

from crossings.lake import Release
from flows.stage import Stage

GOLDEN = Path(__file__).parent / "golden.json"
TABLES = ("daily", "findings", "reports", "series")


def digests(release: Path) -> dict[str, Any]:
    """Rows and digest of each table, and what its figures add up to, by country where it has one.

    `estimates` is `daily` before the gates withheld points.
    """
    found: dict[str, Any] = {}
    for name in ("estimates", *TABLES):
        frame = _estimates(release) if name == "estimates" else Release(release).read(name).to_pandas()
        text = frame.to_csv(index=False, lineterminator="\n").encode()
        found[name] = {"rows": len(frame), "sha256": hashlib.sha256(text).hexdigest()}
        if name in ("daily", "estimates"):
            points = frame.groupby(["country", "status"]).size()
            found[name]["days"] = {" ".join(key): int(n) for key, n in points.items()}
            found[name]["sums"] = {
                c: {k: int(rows[k].sum()) for k in ("estimate", "lower", "upper")}
                for c, rows in frame.groupby("country")
            }
        if name == "findings":
            found[name]["rules"] = {str(rule): int(n) for rule, n in frame.groupby("rule").size().items()}
    return found


def _estimates(release: Path) -> pd.DataFrame:
    stages = [Stage(p) for p in (release.parents[1] / "staging").iterdir() if (p / "daily.parquet").is_file()]
    of_country = sorted(((str(s.summary["country"]), s) for s in stages), key=lambda pair: pair[0])
    return pd.concat([s.table("daily").to_pandas() for _, s in of_country], ignore_index=True)


def test_the_tables_of_the_register_are_those_of_the_golden_file(published) -> None:
    assert digests(published.release) == json.loads(GOLDEN.read_text(encoding="utf-8"))


if __name__ == "__main__":
    import tempfile

    from crossings.settings import Settings
    from flows import pipeline
    from flows.workspace import Workspace

    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "lake"
        workspace = Workspace.open(Settings(lake=place, data=Path(__file__).parents[1] / "data"))
        pipeline.run(workspace, pipeline.in_process, print)
        GOLDEN.write_text(json.dumps(digests((place / "current").resolve()), indent=1) + "\n", encoding="utf-8")
