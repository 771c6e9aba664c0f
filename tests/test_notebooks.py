"""The notebooks run from the first to the last cell on a real release, and answer what they ask."""

from pathlib import Path

import nbformat
import pytest
from nbclient import NotebookClient

NOTEBOOKS = Path(__file__).parents[1] / "notebooks"
ANSWERS = {
    "first-questions": ("estimate 86,561", "estimate 209,177", "KAZ_entries", "8572", "<Figure"),
    "september-2022": ("CONFLICT gap=9", "2,965", "at most 107,800"),
}


def test_every_notebook_is_asked_for_its_answers() -> None:
    assert {path.stem for path in NOTEBOOKS.glob("*.ipynb")} == set(ANSWERS)


@pytest.mark.parametrize("name", sorted(ANSWERS))
def test_a_notebook_runs_and_answers(name: str, analyst) -> None:
    notebook = nbformat.read(NOTEBOOKS / f"{name}.ipynb", as_version=4)
    NotebookClient(notebook, timeout=500, kernel_name="python3").execute()
    outputs = [o for cell in notebook.cells for o in cell.get("outputs", [])]
    shown = "".join(str(o.get("text", "")) + str(o.get("data", {}).get("text/plain", "")) for o in outputs)
    for answer in ANSWERS[name]:
        assert answer in shown, answer
