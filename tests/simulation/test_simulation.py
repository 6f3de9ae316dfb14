"""What the simulation promises of itself: its clock, its services, its load, and that it repeats."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import replace
from functools import partial

import httpx
import pytest

from tests.simulation.behaviors import Crowded, Down, Flaky, Hanging, Healthy, RateLimiting, Refusing, Span
from tests.simulation.contenders import CONTENDERS, OURS, ORACLE, PEERS, Contender
from tests.simulation.figures import METRICS, figures_of
from tests.simulation.load import AGENTS, operations
from tests.simulation.report import limits_of
from tests.simulation.run import run
from tests.simulation.scenarios import SCENARIOS, SCENARIO_BY_NAME, Limit, Scenario
from tests.simulation.service import Behavior, Service, SimulatedTransport
from tests.simulation.virtual_time import run_in_virtual_time

FOREVER = Span(0, 1e9)
NEVER = Span(1e9, 2e9)


def short(name: str, trouble: float = 5.0) -> Scenario:
    """Return a scenario that is over soon."""
    return replace(SCENARIO_BY_NAME[name], warm_up=1.0, trouble=trouble, tail=3.0)


def asked(behavior: Behavior, *times: float, timeout: float | None = None, key: str | None = None) -> list[int | str]:
    """Return the statuses of writes that are sent at these times, or the names of their errors, and the ledger's sum."""
    service = Service(behavior)
    client = httpx.AsyncClient(transport=SimulatedTransport({"sick": service}), timeout=timeout)

    async def send(at: float) -> int | str:
        await asyncio.sleep(at)
        headers = {"X-Operation": "1"} | ({"Idempotency-Key": key} if key else {})
        try:
            return (await client.post("http://sick/", headers=headers)).status_code
        except httpx.TransportError as error:
            return type(error).__name__

    async def main() -> list[int | str]:
        statuses: list[int | str] = list(await asyncio.gather(*map(send, times)))
        return [*statuses, service.ledger.repeated]

    return run_in_virtual_time(main())
