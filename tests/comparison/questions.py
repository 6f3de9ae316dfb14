"""The questions, how each is measured, and the expected result of each contender.

Every measurement is one user request to an agent whose tools talk to a real server on loopback.
"""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Any
from unittest.mock import patch

import httpx
from langchain_core.messages import BaseMessage, HumanMessage, ToolMessage
from langchain_core.tools import BaseTool
from langgraph.types import Command, interrupt

from agent_tools.testing import FaultyServer, Reply, ScriptedChatModel, call, check_history, no_waiting
from tests.call.test_obedient_model import INVITATION, NO_INVITATION
from tests.comparison.contenders import CHARGE, CONTENDERS, Contender

#: Asks a human before each request.
REFUND = "refund"

#: Raises a bug without sending a request.
BUGGY = "totals"

METHOD_BY_TOOL = {CHARGE: "POST", REFUND: "PUT"}
TIMEOUT_BY_TOOL = {CHARGE: 0.15}

KEY = "SK-SECRET-123"

#: The seconds that a server asks to wait, longer than any default wait.
RETRY_AFTER = 7

#: Limits a run even with an obedient model and a patient human.
MOST = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """The outcome of one user request.

    Attributes:
        runs: The number of runs of each tool.
        requests: The number of requests that reached the server.
        waits: The skipped waits, in seconds.
        asked: How often a human was asked.
        history: The messages in the thread at the end.
        crashed: Whether the run ended with an error.
    """

    runs: Counter[str]
    requests: int
    waits: Sequence[float]
    asked: int
    history: Sequence[BaseMessage]
    crashed: bool

    @property
    def answers(self) -> list[ToolMessage]:
        """The texts that the model read from its tools."""
        return [message for message in self.history if isinstance(message, ToolMessage)]

    @property
    def worked(self) -> bool:
        """Whether every answer is a result."""
        return not self.crashed and all(answer.status == "success" for answer in self.answers)


def ask(contender: Contender, replies: Mapping[str, Any], model: ScriptedChatModel | None = None) -> Seen:
    """Return the outcome of a request for which the model calls each tool of `replies` once, in parallel.

    Args:
        contender: Who runs the tools.
        replies: The responses of each tool's service.
        model: Replaces the usual scripted model.
    """
    runs: Counter[str] = Counter()
    model = model or ScriptedChatModel([[call(name) for name in replies]], then="Done.")
    server = FaultyServer({f"/{name}": reply for name, reply in replies.items()})
    with (
        server,
        httpx.Client(transport=contender.transport()) as client,
        no_waiting() as ours,
        _no_sleeping() as theirs,
    ):
        tools = [_tool(contender, name, client, server.url, runs) for name in replies]
        asked, crashed, history = _run(contender.agent(model, tools))
    return Seen(runs=runs, requests=server.count(), waits=theirs + ours, asked=asked, history=history, crashed=crashed)


@contextmanager
def _no_sleeping() -> Iterator[list[float]]:
    """Skip `time.sleep`, with which all peers wait, but for threads of others; `as` gives the skipped waits."""
    waits: list[float] = []
    others = {*threading.enumerate()} - {threading.current_thread()}
    sleep = time.sleep

    def skip(seconds: float) -> None:
        (sleep if threading.current_thread() in others else waits.append)(seconds)

    with patch.object(time, "sleep", skip):
        yield waits


def _run(graph: Any) -> tuple[int, bool, list[BaseMessage]]:
    config = {"configurable": {"thread_id": "1"}}
    state: Any = {"messages": [("user", "help")]}
    for asked in count():
        try:
            ended = graph.invoke(state, config)
            crashed = False
        except Exception:
            crashed = True
        if crashed or "__interrupt__" not in ended or asked == MOST:
            return asked, crashed, graph.get_state(config).values["messages"]
        state = Command(resume="yes")
    raise AssertionError("count() has no end")


def _tool(contender: Contender, name: str, client: httpx.Client, url: str, runs: Counter[str]) -> BaseTool:
    def body() -> str:
        runs[name] += 1
        if name == BUGGY:
            return sum(["1", "2"])  # type: ignore[list-item, return-value]  # the bug
        if name == REFUND:
            interrupt("May I?")
        method, timeout = METHOD_BY_TOOL.get(name, "GET"), TIMEOUT_BY_TOOL.get(name, 5.0)
        return client.request(method, f"{url}/{name}?api_key={KEY}", timeout=timeout).raise_for_status().text

    return contender.tool(name, body)


def obedient(name: str) -> ScriptedChatModel:
    """Return a model that repeats the call of `name` while the last answer invites it to."""

    def obey(messages: list[BaseMessage]) -> Any:
        calls = sum(isinstance(message, ToolMessage) for message in messages)
        invited = INVITATION.search(NO_INVITATION.sub("", messages[-1].text)) is not None
        return call(name) if invited and calls < MOST else "It is not available."

    return ScriptedChatModel([call(name)], then=obey)


def _yes(is_so: bool) -> str:
    return "yes" if is_so else "no"


def survives(contender: Contender) -> str:
    """Return whether two failures are hidden from the model."""
    return _yes(ask(contender, {"orders": [503, 503, 200]}).worked)


def sibling_runs(contender: Contender) -> str:
    """Return how often a healthy call runs if another call of its message fails twice."""
    return str(ask(contender, {"stock": 200, "orders": [503, 503, 200]}).runs["stock"])


def refused_requests(contender: Contender) -> str:
    """Return the number of requests with credentials that are refused."""
    return str(ask(contender, {"orders": 401}).requests)


def buggy_runs(contender: Contender) -> str:
    """Return the number of runs of a tool with a bug."""
    return str(ask(contender, {BUGGY: 200}).runs[BUGGY])


def waits_as_told(contender: Contender) -> str:
    """Return whether the wait that the server asks for is respected."""
    told = Reply(429, headers={"Retry-After": str(RETRY_AFTER)})
    return _yes(sum(ask(contender, {"orders": [told, 200]}).waits) >= RETRY_AFTER)


def leaks(contender: Contender) -> str:
    """Return whether a key in the URL reaches the model."""
    return _yes(any(KEY in answer.text for answer in ask(contender, {"orders": 404}).answers))


def goes_on(contender: Contender) -> str:
    """Return whether the model accepts the history after tools that failed for good."""
    history = ask(contender, {"orders": 503, "stock": 404}).history
    try:
        check_history([*history, HumanMessage("and now?")])
    except ValueError:
        return "no"
    return "yes"


def charges(contender: Contender) -> str:
    """Return how often a charge reaches a server that does not answer in time."""
    return str(ask(contender, {CHARGE: Reply(fault="stall")}).requests)


def approvals(contender: Contender) -> str:
    """Return how often a human is asked about one call, and whether it worked in the end."""
    seen = ask(contender, {REFUND: [503, 200]})
    return f"{seen.asked}" if seen.worked else f"{seen.asked}, fails"


def requests_of_a_dead_endpoint(contender: Contender) -> str:
    """Return the number of requests that one user request sends to a dead endpoint."""
    return str(ask(contender, {"orders": 503}, obedient("orders")).requests)


@dataclass(frozen=True, slots=True)
class Row:
    """A question, its measurement, and the expected results in the order of `CONTENDERS`."""

    question: str
    measure: Callable[[Contender], str]
    cells: tuple[str, ...]


ROWS = (
    Row("503 twice, then fine: works", survives, ("no", "yes", "yes", "yes", "yes", "yes")),
    Row("runs of a healthy call beside it", sibling_runs, ("1", "3", "1", "1", "1", "1")),
    Row("requests after a 401", refused_requests, ("1", "1", "3", "3", "1", "1")),
    Row("runs of a tool with a `TypeError`", buggy_runs, ("1", "1", "3", "3", "1", "1")),
    Row(f"waits `Retry-After: {RETRY_AFTER}`", waits_as_told, ("no", "no", "no", "no", "yes", "yes")),
    Row("a key in the URL reaches the model", leaks, ("yes", "no", "no", "yes", "yes", "no")),
    Row("after failures the chat can go on", goes_on, ("yes", "no", "yes", "yes", "yes", "yes")),
    Row("charges when a `POST` times out", charges, ("1", "3", "3", "3", "1", "1")),
    Row("a human is asked, the call fails once", approvals, ("1, fails", "1", "2", "2", "1", "1")),
    Row("requests to a dead service, obedient model", requests_of_a_dead_endpoint, ("10", "3", "3", "30", "30", "3")),
)


def table(cells: Callable[[Row], Sequence[str]]) -> str:
    """Return the comparison in Markdown, with the given cells for each row."""
    head = ["", *(contender.column for contender in CONTENDERS)]
    lines = [head, ["---"] * len(head), *([row.question, *cells(row)] for row in ROWS)]
    return "\n".join(f"| {' | '.join(line)} |".replace("|  |", "| |") for line in lines)


def measured(row: Row) -> list[str]:
    """Return the measured result of each contender."""
    return [row.measure(contender) for contender in CONTENDERS]
