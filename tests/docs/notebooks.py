"""Runs the notebooks: `python -m tests.docs.notebooks` rewrites their outputs, `make test` only runs them."""

import asyncio
import os
import sys
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_notebook

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.ipynb"))

#: The most seconds for a cell, on a busy machine.
_PATIENCE = 300

#: Ends a notebook: the next one finds no name and no handler of a log.
_CLEAR = """
import logging
for logger in (logging.getLogger(), logging.getLogger("agent_tools")):
    logger.handlers.clear()
get_ipython().reset()
"""


def executed(paths: list[Path]) -> dict[Path, NotebookNode]:
    """Return the notebooks with fresh outputs; the files stay unchanged.

    One kernel runs them all, one after another: importing takes half of the time of most.

    Raises:
        nbclient.exceptions.CellExecutionError: A cell has failed.
    """
    notebooks = {path: nbformat.read(path, as_version=4) for path in paths}
    cells = [cell for notebook in notebooks.values() for cell in (*notebook.cells, new_code_cell(_CLEAR))]
    client = NotebookClient(
        new_notebook(cells=cells),
        timeout=_PATIENCE,
        kernel_name="python3",
        resources={"metadata": {"path": str(FOLDER)}},
        record_timing=False,  # else each run would change each cell
        coalesce_streams=True,  # else the number of outputs of a cell would vary
    )
    searched = os.pathsep.join([str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    asyncio.run(client.async_execute(env={**os.environ, "PYTHONPATH": searched}))
    return notebooks


def main(paths: list[Path]) -> None:
    """Execute the notebooks in place, each in a kernel of its own, as readers do."""
    for path in paths:
        nbformat.write(executed([path])[path], path)
        print(path.name)


if __name__ == "__main__":
    main([Path(name) for name in sys.argv[1:]] or NOTEBOOKS)
