"""Runs the notebooks: `python -m tests.docs.notebooks` rewrites their outputs, `make test` only runs them."""

import asyncio
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

#: Seconds that a cell may take on a busy machine.
_PATIENCE = 300


def executed(path: Path) -> NotebookNode:
    """Return the notebook with the outputs that its cells have now; the file stays as it is.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell has failed.
    """
    client = NotebookClient(
        nbformat.read(path, as_version=4),
        timeout=_PATIENCE,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        record_timing=False,  # or each run would change each cell
        coalesce_streams=True,  # or chance would decide how many outputs a cell has
    )
    searched = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    notebook: NotebookNode = asyncio.run(client.async_execute(env={**os.environ, "PYTHONPATH": searched}))
    return notebook


def main(paths: list[Path]) -> None:
    """Execute the notebooks in place."""
    for path in paths:
        nbformat.write(executed(path), path)
        print(path.name)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or NOTEBOOKS)
