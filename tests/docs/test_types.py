"""Type checkers accept each code block in README and docs."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.docs.blocks import ROOT, blocks

pytestmark = pytest.mark.no_cover


@pytest.fixture(scope="module")
def programs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with a file for each block."""
    folder = tmp_path_factory.mktemp("blocks")
    for block in blocks("python"):
        name = block.name.replace(".md:", "_").replace("-", "_").lower()
        (folder / f"{name}.py").write_text(block.code, encoding="utf-8")
    return folder


def check(*command: str, where: Path) -> None:
    env = os.environ | {"PYTHONPATH": str(ROOT), "MYPYPATH": str(ROOT)}
    done = subprocess.run(
        [sys.executable, "-m", *command], check=False, cwd=where, env=env, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_mypy_accepts_each_block(programs: Path) -> None:
    cache = str(ROOT / ".mypy_cache")
    check("mypy", "--strict", "--cache-dir", cache, "--config-file", str(ROOT / "pyproject.toml"), ".", where=programs)


def test_pyright_accepts_each_block(programs: Path) -> None:
    config = f'{{"typeCheckingMode": "standard", "extraPaths": ["{ROOT}"], "pythonVersion": "3.11"}}'
    (programs / "pyrightconfig.json").write_text(config, encoding="utf-8")
    check("basedpyright", "--pythonpath", sys.executable, ".", where=programs)
