"""A private PostgreSQL on a free port of 127.0.0.1, removed after the tests."""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import psycopg

_DEBIAN = Path("/usr/lib/postgresql")

#: The most seconds to start or stop; one is usual.
_PATIENCE = 30

#: Durability is not needed here.
_FAST = ("fsync=off", "synchronous_commit=off", "full_page_writes=off", "shared_buffers=16MB", "max_connections=64")


def binaries() -> Path | None:
    """Return the folder with `initdb` and `postgres`, None if PostgreSQL is not installed."""
    found = shutil.which("initdb")
    folders = [Path(found).resolve().parent] if found else []
    folders += sorted(_DEBIAN.glob("*/bin"), reverse=True)
    return next((each for each in folders if (each / "initdb").exists() and (each / "postgres").exists()), None)


@contextmanager
def running(binaries: Path) -> Iterator[str]:
    """Return the URL of a new, empty database."""
    user = _user()
    folder = Path(tempfile.mkdtemp(prefix="postgresql-"))  # short: the path of a socket may have at most 107 bytes
    try:
        if user:
            os.chown(folder, user["user"], user["group"])
        initdb: list[str | Path] = [
            binaries / "initdb",
            "-D",
            folder / "data",
            "-U",
            "bot",
            "-A",
            "trust",
            "--no-sync",
            "--locale=C",
        ]
        subprocess.run([*initdb, "-E", "UTF8"], check=True, stdout=subprocess.DEVNULL, cwd=folder, **user)
        with _server(binaries, folder, user) as url:
            yield url
    finally:
        shutil.rmtree(folder)


@contextmanager
def _server(binaries: Path, folder: Path, user: dict[str, Any]) -> Iterator[str]:
    port = _free_port()
    options = [part for option in _FAST for part in ("-c", option)]
    command: list[str | Path] = [binaries / "postgres", "-D", folder / "data", "-k", folder, "-h", "127.0.0.1"]
    with (folder / "log").open("w") as log, subprocess.Popen(
        [*command, "-p", str(port), *options], stdout=log, stderr=log, cwd=folder, **user
    ) as process:  # fmt: skip
        url = f"postgresql://bot@127.0.0.1:{port}/postgres"
        try:
            _wait_for(url, process, folder / "log")
            yield url
        finally:
            process.send_signal(signal.SIGINT)  # closes its connections, then exits
            try:
                process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                process.send_signal(signal.SIGQUIT)


def _wait_for(url: str, process: "subprocess.Popen[Any]", log: Path) -> None:
    ends = time.monotonic() + _PATIENCE
    while time.monotonic() < ends and process.poll() is None:
        try:
            psycopg.connect(url).close()
        except psycopg.OperationalError:
            time.sleep(0.05)
        else:
            return
    raise AssertionError(f"PostgreSQL did not start: {log.read_text()}")


def _user() -> dict[str, Any]:
    """Return the options that run a subprocess as another user: PostgreSQL refuses root."""
    if os.geteuid() != 0:
        return {}
    names = {entry.pw_name: entry for entry in pwd.getpwall()}
    entry = names.get("postgres") or names["nobody"]
    return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
