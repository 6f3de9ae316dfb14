"""Fixtures of the crash tests: processes, databases, a payment server, random numbers."""

import os
import random
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from langgraph.checkpoint.postgres import PostgresSaver

from tests.services.crash.postgresql import binaries, running
from tests.services.crash.processes import workers
from tests.services.payments import PaymentServer

if sys.platform == "win32":
    collect_ignore_glob = ["test_*"]  # it has neither fork nor SIGKILL


@pytest.fixture(scope="session")
def worker_ports() -> Iterator[list[int]]:
    """Two workers: one forks the processes that are killed first, the other all later ones."""
    with workers(2) as ports:
        yield ports


@pytest.fixture
def payments() -> Iterator[PaymentServer]:
    """A payment server with an empty ledger."""
    with PaymentServer() as server:
        yield server


@pytest.fixture(scope="session")
def postgresql() -> Iterator[str]:
    """The URL of a PostgreSQL that is ready for checkpoints."""
    found = binaries()
    if found is None:
        pytest.skip("PostgreSQL is not installed: there is no initdb on PATH or in /usr/lib/postgresql")
    with running(found) as url:
        with PostgresSaver.from_conn_string(url) as saver:
            saver.setup()
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def database_of(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], str]:
    """Return the checkpoint database of an order: a file of its own, or one PostgreSQL for all."""
    if request.param == "sqlite":
        return lambda order: str(tmp_path / f"{order}.sqlite")
    url: str = request.getfixturevalue("postgresql")
    return lambda order: url


@pytest.fixture
def chance() -> random.Random:
    """Random numbers, the same again with `CRASH_SEED`, which a failed test prints."""
    seed = os.environ.get("CRASH_SEED") or str(random.SystemRandom().randrange(10**9))
    print(f"CRASH_SEED={seed}")
    return random.Random(seed)  # noqa: S311  # moments, no secrets
