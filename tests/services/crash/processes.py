"""The test's side: starts bot processes, reads their reports, kills them."""

import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from pathlib import Path
from typing import Any, Self

from langchain_core.messages import BaseMessage, messages_from_dict

from tests.services.crash.job import Job
from tests.support.toolbox import untraced

_ROOT = Path(__file__).parents[3]

#: Seconds of silence after which a process counts as hung.
_PATIENCE = 30


@contextmanager
def workers(number: int) -> Iterator[list[int]]:
    """Start `number` copies of `tests.services.crash.worker` and return their ports."""
    command = [sys.executable, "-m", "tests.services.crash.worker"]
    with ExitStack() as stack:
        started = [
            stack.enter_context(
                subprocess.Popen(
                    command, cwd=_ROOT, env=untraced(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
                )
            )
            for _ in range(number)
        ]
        yield [_port_of(process) for process in started]
        # Leaving the stack closes their inputs, which ends them, and waits for them.


def _port_of(process: "subprocess.Popen[str]") -> int:
    if process.stdout is None:
        raise AssertionError("it is a pipe")
    return int(process.stdout.readline())


class Process:
    """A process that runs a job until it is done or killed."""

    def __init__(self, port: int, job: Job) -> None:
        self._conn = socket.create_connection(("127.0.0.1", port), timeout=_PATIENCE)
        self._lines = self._conn.makefile("r")
        self._said: list[dict[str, Any]] = []
        self._pid = self._hear()["pid"]
        self._conn.sendall(json.dumps(asdict(job)).encode() + b"\n")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._lines.close()
        self._conn.close()

    def wait_for(self, event: str, *, tool: str | None = None) -> None:
        """Return once the process has reported this event."""
        while not any(said["event"] == event and said.get("tool") == tool for said in self._said):
            self._hear()

    def kill(self) -> bool:
        """Kill the process; return whether it was still at work."""
        os.kill(self._pid, signal.SIGKILL)
        while self._is_alive():
            pass
        return self._said[-1]["event"] not in ("done", "raised")

    def history(self) -> list[BaseMessage]:
        """Wait until the job is done and return the messages of the thread."""
        self.wait_for("done")
        return messages_from_dict(self._said[-1]["history"])

    def _is_alive(self) -> bool:
        try:
            self._hear()
        except EOFError:
            return False
        return True

    def _hear(self) -> dict[str, Any]:
        try:
            line = self._lines.readline()
        except ConnectionError:
            line = ""
        if not line.endswith("\n"):
            raise EOFError(f"the process has ended after it reported {self._said}")
        self._said.append(json.loads(line))
        if self._said[-1]["event"] == "raised":
            raise AssertionError(self._said[-1]["error"])
        return self._said[-1]
