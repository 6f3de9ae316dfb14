"""Runs the tests in one temporary environment per Python and resolution, and prints a table.

Arguments select rows: `python -m tests.versions 3.13 lowest`. A Python that is not installed is
reported and skipped. The exit code is 1 if any test failed or any environment could not be built.
"""

import argparse
import re
import subprocess
import sys
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from tests.versions.pythons import ROOT, find, promised
from tests.versions.resolutions import NAMED, RESOLUTIONS, installed, versions_in

#: The folders whose tests need no other group of packages than `test`.
FOLDERS = (
    "call",
    "classify",
    "core",
    "flow",
    "gate",
    "langgraph",
    "middleware",
    "promises",
    "report",
    "routing",
    "testing",
)
#: Left out of them: these need other libraries that retry, Deep Agents, or the SDK of OpenTelemetry.
ELSEWHERE = ("call/test_nested_retries.py", "call/test_otel.py", "middleware/test_composition.py")

_COUNTED = re.compile(r"(\d+) (passed|failed|error|skipped)")
_LINE = "{:<8}{:<12}{:<11}{:<11}{:<16}{:<9}{:>8}{:>8}{:>9}{:>6}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """The result of one environment."""

    python: str
    resolution: str
    versions: dict[str, str]
    counts: dict[str, int]
    seconds: float

    @property
    def failures(self) -> int:
        """The number of failures; an environment that could not be built counts as one."""
        return self.counts.get("failed", 0) + self.counts.get("error", 0)

    def __str__(self) -> str:
        versions = [self.versions.get(name, "-") for name in NAMED]
        passed, skipped = (self.counts.get(kind, 0) for kind in ("passed", "skipped"))
        return _LINE.format(
            self.python, self.resolution, *versions, passed, self.failures, skipped, f"{self.seconds:.0f}"
        )


def main(arguments: Sequence[str]) -> int:
    """Print a row for each environment; return 1 if anything failed or no Python was found."""
    parser = argparse.ArgumentParser(prog="python -m tests.versions", description="The tests on old and new versions.")
    parser.add_argument("only", nargs="*", metavar="ROW", help=f"of {', '.join((*promised(), *RESOLUTIONS))}")
    words = parser.parse_args(arguments).only
    if not set(words) <= {*promised(), *RESOLUTIONS}:
        parser.error(f"a row is one of {', '.join((*promised(), *RESOLUTIONS))}")
    print(_LINE.format("Python", "resolution", *NAMED, "passed", "failed", "skipped", "s"), flush=True)
    rows = list(_rows(words))
    return 0 if rows and not any(row.failures for row in rows) else 1


def _rows(words: Collection[str]) -> Iterator[Row]:
    for version in _chosen(promised(), words):
        python = find(version)
        if python is None:
            print(f"{version:<8}is not on this machine", flush=True)
            continue
        for resolution in _chosen(RESOLUTIONS, words):
            row = _row(version, python, resolution)
            print(row, flush=True)
            yield row


def _chosen(known: Sequence[str], words: Collection[str]) -> Sequence[str]:
    return [each for each in known if each in words] or known


def _row(version: str, python: str, resolution: str) -> Row:
    began, versions = time.monotonic(), {}
    try:
        with installed(resolution, python) as interpreter:
            versions = versions_in(interpreter)
            counts = _tested(interpreter)
    except subprocess.CalledProcessError:  # uv has printed why
        counts = {"error": 1}
    seconds = time.monotonic() - began
    return Row(python=version, resolution=resolution, versions=versions, counts=counts, seconds=seconds)


def _tested(interpreter: Path) -> dict[str, int]:
    """Run the tests, print the failures, and return the number of tests per outcome."""
    folders = [f"tests/{folder}" for folder in FOLDERS]
    ignored = [f"--ignore=tests/{path}" for path in ELSEWHERE]
    command = [str(interpreter), "-m", "pytest", "-q", "-n", "2", "-p", "no:cacheprovider", *folders, *ignored]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    counts = {kind: int(number) for number, kind in _COUNTED.findall(run.stdout.strip().rpartition("\n")[2])}
    if run.returncode == 0:
        return counts
    sys.stderr.write(run.stdout + run.stderr)
    return counts if {"failed", "error"} & counts.keys() else {**counts, "error": 1}  # pytest could not start


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
