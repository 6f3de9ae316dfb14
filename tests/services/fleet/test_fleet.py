"""Twenty worker processes, one service that is down, and a real Redis, which fails as well."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from agent_tools.testing import FaultyServer, Reply, Request
from tests.services.fleet.store import RedisServer, needs_server

pytestmark = [needs_server, pytest.mark.no_cover]

WORKERS = 20


class DeadService:
    """Answers 503 to everything, and remembers what came, and how much of it at the same time."""

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

    def after(self, moment: float) -> list[int]:
        """Return of each request since then how many were under way."""
        return [under_way for at, under_way in self.seen if at > moment]


class Workers:
    """Those processes, and what they wrote."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def calls(self, since: float = 0.0) -> list[dict[str, Any]]:
        """Return the calls that began since then."""
        return [line for line in self._lines() if line.get("at", 0.0) > since]

    def ends(self) -> list[dict[str, Any]]:
        """Return what the workers wrote in the end."""
        return [line for line in self._lines() if "operations" in line]

    def logged(self, words: str) -> list[int]:
        """Return how many lines with these words each worker has logged."""
        return [path.read_text().count(words) for path in self.folder.glob("*.log")]

    def _lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for path in self.folder.glob("*.jsonl") for line in path.read_text().splitlines()]


@contextmanager
def working(service: str, store: str, folder: Path, *, pause: float) -> Iterator[Workers]:
    folder.mkdir()
    command = [
        sys.executable,
        "-m",
        "tests.services.fleet.worker",
        service,
        store,
        str(folder),
        str(WORKERS),
        str(pause),
    ]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
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
    with FaultyServer(service) as server, working(server.url, store.url, tmp_path / "w", pause=0.5) as workers:
        while not any(call["reason"] == "circuit" for call in workers.calls()):
            time.sleep(0.05)
        opened = time.time() + 0.3  # what was under way then is back
        time.sleep(3.5)
        paused = time.time()
        store.pause()
        time.sleep(1.5)
        store.resume()
        time.sleep(1)
        store.kill()
        time.sleep(1)
        store.start()
        restarted = time.time()
        time.sleep(4)
    ends = workers.ends()
    shared = [under_way for at, under_way in service.seen if opened < at < paused]
    calls = [call for call in workers.calls(opened) if call["at"] < paused]

    assert len(ends) == WORKERS
    assert all(call["status"] == "error" and call["reason"] for call in workers.calls())
    assert len(calls) > 50
    assert set(shared) == {1}  # one probe at a time
    assert len(shared) < 0.25 * len(calls)
    assert all(times <= 2 for times in workers.logged("going on with what this process knows"))
    assert sum(workers.logged("works again")) >= WORKERS
    assert len(service.after(restarted + 3)) < 20
    assert all(end["threads"].count("agent_tools health") == 1 for end in ends)


def test_a_store_that_hangs_costs_a_call_no_more_than_its_share(store: RedisServer, tmp_path: Path) -> None:
    with FaultyServer(DeadService()) as server, working(server.url, store.url, tmp_path / "w", pause=0.2) as workers:
        while len(workers.calls()) < 100:
            time.sleep(0.05)
        paused = time.time()
        store.pause()
        time.sleep(2)
        store.resume()
    slowest = max(call["took"] for call in workers.calls() if call["at"] < paused)
    assert max(call["took"] for call in workers.calls(paused)) < slowest + 0.7
