"""Has type checkers look at each code block in README and docs: `python -m tests.docs.block_types`."""

import json
import os
import subprocess
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.docs.blocks import ROOT, blocks

MYPY = [
    "mypy",
    "--strict",
    "--config-file",
    str(ROOT / "pyproject.toml"),
    "--cache-dir",
    str(ROOT / ".mypy_cache"),
    ".",
]
PYRIGHT = ["basedpyright", "--pythonpath", sys.executable, "."]


def write_programs(folder: Path) -> None:
    """Write a file for each block, and how pyright is to look at them."""
    for block in blocks("python"):
        name = block.name.replace(".md:", "_").replace("-", "_").lower()
        (folder / f"{name}.py").write_text(block.code, encoding="utf-8")
    config = {"typeCheckingMode": "standard", "extraPaths": [str(ROOT)], "pythonVersion": "3.11"}
    (folder / "pyrightconfig.json").write_text(json.dumps(config), encoding="utf-8")


def main() -> int:
    """Return how many type checkers have complained; they print what about."""
    searched = os.environ | {"PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT)}
    with TemporaryDirectory() as folder:
        write_programs(Path(folder))
        done = [
            subprocess.run([sys.executable, "-m", *checker], check=False, cwd=folder, env=searched)
            for checker in (MYPY, PYRIGHT)
        ]
    return sum(each.returncode != 0 for each in done)


if __name__ == "__main__":
    sys.exit(main())
