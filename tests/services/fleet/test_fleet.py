"""Twenty worker processes, one service that is down, and a real Redis that may fail, too."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent_tools.testing import FaultyServer, Reply, Request
from tests.services.fleet.store import RedisServer, needs_server
from tests.support.toolbox import untraced

pytestmark = [needs_server, pytest.mark.untraced, pytest.mark.long]

WORKERS = 20


class DeadService:
    """Answers 503 to every request, and records the requests and how many were under way at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._under_way = 0
        self.seen: list[tuple[float, int]] = []

    def __call__(self, request: Request) -> Reply:
        with self._lock:
            self._under_way += 1
            self.seen.append((time.time(), self._under_way))
        time.sleep(0.03)
        with self._lock:
            self._under_way -= 1
        return Reply(503)


class Workers:
    """The worker processes and their output."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def until(self, condition: Callable[[], bool]) -> None:
        """Let the workers run until this time."""
        ends = time.monotonic() + 60
        while not condition():
            assert time.monotonic() < ends
            time.sleep(0.05)

    def calls(self, since: float = 0.0) -> list[dict[str, Any]]:
        """Return the calls that began after this time."""
        return [line for line in self._lines() if line.get("at", 0.0) > since]

    def ends(self) -> list[dict[str, Any]]:
        """Return the last line of each worker."""
        return [line for line in self._lines() if "operations" in line]

    def logged(self, words: str) -> list[int]:
        """Return how many lines with these words each worker has logged."""
        return [path.read_text().count(words) for path in self.folder.glob("*.log")]

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for path in self.folder.glob("*.jsonl") for line in path.read_text().splitlines()]


@contextmanager
def working(service: str, store: str, folder: Path, *, pause: float, timeout: float) -> Iterator[Workers]:
    folder.mkdir()
    program = [sys.executable, "-m", "tests.services.fleet.worker"]
    command = [*program, service, store, str(folder), str(WORKERS), str(pause), str(timeout)]
    process = subprocess.Popen(command, env=untraced(), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdin is not None
    try:
        assert process.stdout.readline() == "forked\n"
        yield Workers(folder)
    finally:
        process.stdin.close()
        assert process.wait(30) == 0
        process.stdout.close()


def test_twenty_processes_share_one_dead_service_and_lose_no_call_with_their_store(
    store: RedisServer, tmp_path: Path
) -> None:
    service = DeadService()
    with (
        FaultyServer(service) as server,
        # On a busy machine a healthy store may take longer than a tenth of a second.
        working(server.url, store.url, tmp_path / "w", pause=0.5, timeout=1.0) as workers,
    ):
        workers.until(lambda: sum(call["reason"] == "circuit" for call in workers.calls()) > WORKERS)
        opened = time.time()
        workers.until(lambda: time.time() > opened + 1.3 and len(workers.calls(opened)) > 2 * WORKERS)
        for fail, recover in ((store.pause, store.resume), (store.kill, store.start)):
            failed = time.time()
            fail()
            workers.until(lambda failed=failed: len(workers.calls(failed)) > WORKERS)
            recover()
            recovered = time.time()
            workers.until(lambda recovered=recovered: len(workers.calls(recovered)) > WORKERS)
    ends, calls = workers.ends(), workers.calls(opened)
    shared = [under_way for at, under_way in service.seen if opened + 0.3 < at < opened + 1.3]

    assert len(ends) == WORKERS
    assert all(call["status"] == "error" and call["reason"] for call in workers.calls())
    assert set(shared) <= {1}  # one probe at a time
    assert len([at for at, _ in service.seen if at > opened]) < 0.5 * len(calls)
    assert max(workers.logged("until it answers, this process shares nothing")) <= 4
    assert all(end["threads"].count("agent_tools health") == 1 for end in ends)
