"""The supported Pythons, and where they are on this machine."""

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
UV = (sys.executable, "-m", "uv")

_CLASSIFIER = re.compile(r"Programming Language :: Python :: (3\.\d+)")


def project() -> dict[str, Any]:
    """Return the `[project]` table of pyproject.toml."""
    table: dict[str, Any] = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    return table


def promised() -> list[str]:
    """Return the versions in the classifiers, such as `3.11`."""
    return [found[1] for each in project()["classifiers"] if (found := _CLASSIFIER.fullmatch(each))]


def find(version: str) -> str | None:
    """Return the interpreter of `version`, or None if there is none; nothing is downloaded."""
    command = [*UV, "python", "find", "--offline", "--no-project", "--system", version]
    found = subprocess.run(command, env=_environment(), capture_output=True, text=True, check=False)
    return found.stdout.strip() or None


def _environment() -> dict[str, str]:
    """Return the environment with all of pyenv's versions on the path: its shims run only the selected ones."""
    path = [str(folder) for folder in _pyenv_folders()]
    return {**os.environ, "PATH": os.pathsep.join([*path, os.environ.get("PATH", os.defpath)])}


def _pyenv_folders() -> list[Path]:
    pyenv = shutil.which("pyenv")
    if pyenv is None:
        return []
    root = subprocess.run([pyenv, "root"], capture_output=True, text=True, check=True).stdout.strip()
    return sorted(Path(root).glob("versions/*/bin"))
