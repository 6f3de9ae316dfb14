"""Package versions, and an environment that has them installed."""

import re
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from tests.versions.pythons import ROOT, UV, project

#: The packages whose versions are shown.
NAMED = ("langgraph", "langchain", "langchain-core", "httpx")

#: `lowest` installs each run-time requirement at its floor. Packages that only the tests need are new in both: their
#: floors are not a promise.
RESOLUTIONS = ("lowest", "newest")

#: The extra that is installed.
_EXTRA = "langchain"

_NAME = re.compile(r"[\w.-]+")


@contextmanager
def installed(resolution: str, python: str) -> Iterator[Path]:
    """Create an environment for the `with` block; the target is its interpreter.

    Raises:
        subprocess.CalledProcessError: The requirements conflict; uv has printed why.
    """
    with TemporaryDirectory(prefix="versions-") as folder:
        venv = Path(folder) / "venv"
        _uv("venv", "--python", python, str(venv))
        interpreter = next(path for path in (venv / "bin/python", venv / "Scripts/python.exe") if path.exists())
        floors = Path(folder) / "floors.txt"
        floors.write_text("\n".join(_floors(python)) if resolution == "lowest" else "")
        # No constraint: packages that only the tests need may require later versions, as mcp does of httpx.
        _uv(
            *("pip", "install", "--system-certs", "--python", str(interpreter), "--override", str(floors)),
            *("--editable", f".[{_EXTRA}]", "--group", "test"),
        )
        yield interpreter


def versions_in(interpreter: Path) -> dict[str, str]:
    """Return the versions of the named packages in an environment."""
    listed = _uv("pip", "list", "--python", str(interpreter), "--format", "freeze").splitlines()
    return {name: line.removeprefix(f"{name}==") for name in NAMED for line in listed if line.startswith(f"{name}==")}


def _floors(python: str) -> list[str]:
    """Return the lowest versions that satisfy all run-time requirements."""
    solved = _uv(
        *("pip", "compile", "pyproject.toml", "--extra", _EXTRA, "--resolution", "lowest-direct"),
        *("--python", python, "--system-certs", "--no-header", "--no-annotate"),
    )
    required = (*project()["dependencies"], *project()["optional-dependencies"][_EXTRA])
    ours = {found[0] for line in required if (found := _NAME.match(line))}
    return [line for line in solved.splitlines() if line.split("==")[0] in ours]


def _uv(*arguments: str) -> str:
    return subprocess.run([*UV, "--quiet", *arguments], cwd=ROOT, check=True, stdout=subprocess.PIPE, text=True).stdout
