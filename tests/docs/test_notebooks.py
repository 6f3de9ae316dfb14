"""The notebooks run; the committed ones have outputs, which reveal nothing about the machine."""

import re
from pathlib import Path

import nbformat
import pytest
from nbformat import NotebookNode

from tests.docs.notebooks import NOTEBOOKS, ROOT, executed

#: The most bytes of a picture, so that pages load fast.
LARGEST = 1_000_000

PLACES = re.compile(r"/(?:home|root|Users|tmp|private|var|work|opt|usr)/|[A-Z]:\\Users|ipykernel_\d")
SECRETS = re.compile(r"sk-live|api_key=|Bearer |password", re.IGNORECASE)


def read(path: Path) -> NotebookNode:
    notebook: NotebookNode = nbformat.read(path, as_version=4)
    return notebook


def code_of(notebook: NotebookNode) -> list[NotebookNode]:
    """Return the code cells that are not empty."""
    return [cell for cell in notebook.cells if cell.cell_type == "code"]


def shown_by(notebook: NotebookNode) -> str:
    """Return the text of all outputs, without pictures."""
    outputs = [output for cell in code_of(notebook) for output in cell.outputs]
    texts = [output.get("text", "") for output in outputs]
    rich = [
        data for output in outputs for kind, data in output.get("data", {}).items() if not kind.startswith("image/")
    ]
    return "\n".join([*texts, *map(str, rich)])


def test_there_are_five() -> None:
    assert [path.name[:2] for path in NOTEBOOKS] == ["01", "02", "03", "04", "05"]


@pytest.mark.long
@pytest.mark.usefixtures("untraced_children")
def test_each_runs_from_top_to_bottom() -> None:
    for path, notebook in executed(NOTEBOOKS).items():
        outputs = [output for cell in code_of(notebook) for output in cell.outputs]
        assert {output.output_type for output in outputs} <= {"stream", "display_data", "execute_result"}, path.name
        assert "stderr" not in {output.get("name") for output in outputs}, path.name


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_committed_as_it_was_executed(path: Path) -> None:
    counts = [cell.execution_count for cell in code_of(read(path))]

    assert counts == list(range(1, len(counts) + 1))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_outputs_tell_nothing_of_the_machine_and_no_secret(path: Path) -> None:
    shown = shown_by(read(path))

    assert PLACES.findall(shown) == []
    assert SECRETS.findall(shown) == []
    assert str(ROOT) not in shown
    assert str(Path.home()) not in shown


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_it_is_small_and_reads_well_as_plain_text(path: Path) -> None:
    rich = [output.data for cell in code_of(read(path)) for output in cell.outputs if "data" in output]

    assert path.stat().st_size < LARGEST
    assert all(data.get("text/plain") and "object at 0x" not in data["text/plain"] for data in rich)


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_its_links_lead_somewhere(path: Path) -> None:
    texts = [cell.source for cell in read(path).cells if cell.cell_type == "markdown"]
    links = [link for text in texts for link in re.findall(r"\]\(([^)#]+)", text)]

    assert [link for link in links if not link.startswith("https:") and not (path.parent / link).exists()] == []
