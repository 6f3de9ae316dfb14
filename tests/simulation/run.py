"""One run: a contender, a scenario, a seed."""

import asyncio
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from langchain_core.messages import AIMessage

from tests.simulation.contenders import Contender, Graph, World
from tests.simulation.fleet import ALONE, Fleet
from tests.simulation.load import Operation
from tests.simulation.scenarios import Scenario
from tests.simulation.service import Service
from tests.simulation.virtual_time import run_in_virtual_time


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What became of an operation.

    Attributes:
        operation: The operation.
        ended: When the agent got its answer.
        worked: Whether the answer was a result.
        in_doubt: Whether it was a write, and the answer does not tell whether it took effect.
        crashed: Whether there was an exception instead of an answer.
    """

    operation: Operation
    ended: float
    worked: bool
    in_doubt: bool = False
    crashed: bool = False

    @property
    def wait(self) -> float:
        """Seconds from the question to the answer."""
        return self.ended - self.operation.at


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """Everything that a run has recorded.

    Attributes:
        scenario: The scenario.
        contender: The contender.
        wanted: All operations of the load, also those that a busy agent skipped.
        outcomes: The outcomes of the operations that were begun, in that order.
        sick: The service in trouble, with its records.
        healthy: The other service.
    """

    scenario: Scenario
    contender: str
    wanted: list[Operation]
    outcomes: list[Outcome]
    sick: Service
    healthy: Service


def run(scenario: Scenario, contender: Contender, *, seed: int = 1, fleet: Fleet = ALONE) -> Record:
    """Return the record of `contender` in `scenario`; the same seed gives the same record.

    Args:
        scenario: The scenario.
        contender: The contender.
        seed: Of load and chance.
        fleet: The workers that share the load.
    """
    before = random.getstate()
    random.seed(seed)  # peers draw their jitter from here
    try:
        return run_in_virtual_time(_run(scenario, contender, seed, fleet))
    finally:
        random.setstate(before)


async def _run(scenario: Scenario, contender: Contender, seed: int, fleet: Fleet) -> Record:
    chances = [random.Random(seed + offset) for offset in (1, 2, 3)]  # noqa: S311  # the same numbers each time
    services = {
        "sick": Service(scenario.sick(chances[0])),
        "healthy": Service(scenario.healthy(chances[1])),
    }
    clock = asyncio.get_running_loop().time
    world = World(
        scenario=scenario.name, services=services, clock=clock, chance=chances[2].random, health=fleet.health()
    )
    wanted = list(scenario.load(seed))
    graphs = [contender.enter(world) for _ in range(fleet.workers)]
    outcomes = await _lived(graphs, iter(wanted), random.Random(seed + 4))  # noqa: S311  # see above
    return Record(scenario=scenario, contender=contender.name, wanted=wanted, outcomes=outcomes, **services)


async def _lived(graphs: Sequence[Graph], wanted: Iterator[Operation], chance: random.Random) -> list[Outcome]:
    """Return the outcomes of the operations that idle agents began, each on a random worker."""
    loop = asyncio.get_running_loop()
    busy: set[int] = set()
    begun: list[asyncio.Task[Outcome]] = []
    for operation in wanted:
        await asyncio.sleep(operation.at - loop.time())
        if operation.agent in busy:
            continue
        busy.add(operation.agent)
        begun.append(loop.create_task(_performed(chance.choice(graphs), operation, busy)))
    return [await task for task in begun]


async def _performed(graph: Graph, operation: Operation, busy: set[int]) -> Outcome:
    clock = asyncio.get_running_loop().time
    try:
        state = await graph.ainvoke(_asking(operation))
    except Exception:  # crashes are counted
        return Outcome(operation=operation, ended=clock(), worked=False, crashed=True)
    finally:
        busy.discard(operation.agent)
    answer = state["messages"][-1]
    worked = answer.status == "success"
    is_known = worked or (answer.artifact is not None and not answer.artifact["may_have_acted"])
    in_doubt = operation.is_write and not is_known
    return Outcome(operation=operation, ended=clock(), worked=worked, in_doubt=in_doubt)


def _asking(operation: Operation) -> dict[str, Any]:
    call = {
        "name": operation.service,
        "args": {"operation": operation.number, "is_write": operation.is_write},
        "id": f"call {operation.number}",
        "type": "tool_call",
    }
    return {"messages": [AIMessage("", id=f"message {operation.number}", tool_calls=[call])]}
