"""One gated server for all tests of a worker, and one way to call its tools through a real graph."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import pytest
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool

from agent_tools.testing import check_history
from tests.services.mcp_servers.gate import Gate
from tests.services.mcp_servers.running import Tools, http, in_thread, tools_at
from tests.services.mcp_servers.shop import SECRETS, application
from tests.support.toolbox import Door, answers_in, asking, graph_of

#: What the model must not see: besides secrets, also addresses, markup and tracebacks.
NOT_TO_BE_READ = (*SECRETS, "127.0.0.1", "http://", "<html", "Traceback", "TaskGroup")


@dataclass(frozen=True, kw_only=True)
class Turn:
    """The outcome of the calls of one message."""

    answers: list[ToolMessage]
    events: list[dict[str, Any]] = field(default_factory=list)
    seconds: float = 0.0

    @property
    def answer(self) -> ToolMessage:
        """The answer, if there was one call."""
        (answer,) = self.answers
        return answer

    @property
    def told(self) -> list[str]:
        """The types of the events, in order."""
        return [event["type"] for event in self.events]


Ask = Callable[..., Awaitable[Turn]]


@pytest.fixture(scope="session")
def gated() -> Iterator[tuple[Gate, str]]:
    gate = Gate(application())
    with in_thread(gate) as url:
        yield gate, url


@pytest.fixture(scope="session")
def loaded(gated: tuple[Gate, str]) -> Tools:
    return asyncio.run(tools_at(http(gated[1])))


@pytest.fixture
def gate(gated: tuple[Gate, str], loaded: Tools) -> Gate:
    gated[0].reset()
    return gated[0]


@pytest.fixture
def url(gated: tuple[Gate, str], gate: Gate) -> str:
    return gated[1]


@pytest.fixture
def tools(loaded: Tools, gate: Gate) -> Tools:
    """The tools behind the gate; each call opens its own session."""
    return loaded


@pytest.fixture
def ask(caplog: pytest.LogCaptureFixture, door: Door) -> Ask:
    """Run the calls of one message in a graph, and assert what must hold for every such run.

    Each call has one answer, no secret shows anywhere, no task is left behind. With `links`, URLs without secrets are
    part of the result and allowed. Only in a `held` session does the client
    go on with requests whose answers nothing awaits anymore.
    """
    caplog.set_level(logging.DEBUG, logger="agent_tools")

    async def ask(
        tools: Sequence[BaseTool],
        *calls: tuple[str, dict[str, Any]],
        held: bool = False,
        links: bool = False,
        **options: Any,
    ) -> Turn:
        graph, before = graph_of(tools, door=door, **options), asyncio.all_tasks()
        events, state, began = [], None, time.monotonic()
        async for mode, part in graph.astream(asking(*calls), stream_mode=["custom", "values"]):
            if mode == "custom":
                events.append(part["agent_tools"])
            else:
                state = part
        turn = Turn(answers=answers_in(state), events=events, seconds=time.monotonic() - began)

        assert state is not None
        check_history(state["messages"])
        assert held or asyncio.all_tasks() <= before
        log = [record.getMessage() for record in caplog.records if record.name == "agent_tools"]
        told = repr([[(answer.content, answer.artifact) for answer in turn.answers], events, log])
        assert [each for each in NOT_TO_BE_READ if each in told and not (links and each == "http://")] == []
        return turn

    return ask
