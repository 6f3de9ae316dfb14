"""A real Redis for tests, on a free port, that can be killed, frozen and restarted."""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import redis

SERVER = shutil.which("redis-server") or shutil.which("valkey-server")

needs_server = pytest.mark.skipif(
    SERVER is None, reason="redis-server is missing: apt-get install redis-server (or valkey-server)"
)


class RedisServer:
    """One server; its data is in memory only, and lost when it ends."""

    def __init__(self, folder: Path, *options: str) -> None:
        self._folder = folder
        self._options = options
        self.port = 65535
        while self.port > 55535:  # a cluster also uses this port plus 10,000
            with socket.socket() as free:
                free.bind(("127.0.0.1", 0))
                self.port = free.getsockname()[1]
        self.url = f"redis://127.0.0.1:{self.port}/0"
        self.start()

    def start(self) -> None:
        """Start the server, and return when it answers."""
        where = ("--port", str(self.port), "--bind", "127.0.0.1", "--dir", str(self._folder))
        memory = ("--save", "", "--appendonly", "no")
        assert SERVER is not None
        self._process = subprocess.Popen([SERVER, *where, *memory, *self._options], stdout=subprocess.DEVNULL)
        for _ in range(1000):
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.02)
        self.kill()
        raise AssertionError("the server does not start")

    def kill(self) -> None:
        """Kill the server."""
        self._process.kill()
        self._process.wait()

    def pause(self) -> None:
        """Freeze the server: it accepts connections but answers nothing."""
        os.kill(self._process.pid, signal.SIGSTOP)

    def resume(self) -> None:
        """Let a frozen server continue."""
        os.kill(self._process.pid, signal.SIGCONT)

    def client(self) -> "redis.Redis":
        """Return a client for the test itself."""
        return redis.Redis.from_url(self.url, decode_responses=True)

    def operations(self) -> int:
        """Return how many scripts the server has run."""
        with self.client() as client:
            calls = client.info("commandstats")
        return sum(calls.get(f"cmdstat_{name}", {}).get("calls", 0) for name in ("evalsha", "eval"))


@contextmanager
def redis_server(folder: Path, *options: str) -> Iterator[RedisServer]:
    """Run a server while the `with` block lasts."""
    server = RedisServer(folder, *options)
    try:
        yield server
    finally:
        server.kill()
