"""The bot behind `langgraph dev`, called as a web page would, without keys and network.

One server runs for all tests, so they are in one module.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from langchain_core.messages import ToolMessage

from agent_tools.testing import FaultyServer, Reply, Request, check_history
from tests.services.server.running import WORKERS, AgentServer, agent_server, shape_of

pytestmark = [pytest.mark.untraced, pytest.mark.long]

#: Seconds after which a test that waits for something gives up.
PATIENCE = 30


class Gate:
    """An API response that waits until the test releases it; if it never does, the response is an error."""

    def __init__(self) -> None:
        self.open = threading.Event()

    def __call__(self, request: Request) -> Reply:
        return Reply(200, {"order": "A-2"}) if self.open.wait(PATIENCE) else Reply(400)


class Api:
    """The API behind the desk's tools, controlled by the test."""

    def __init__(self) -> None:
        self.answers: dict[str, list[Any]] = {}
        self._lock = threading.Lock()

    def __call__(self, request: Request) -> Any:
        with self._lock:
            left = self.answers.get(request.path.rpartition("/")[2], [])
            answer = left.pop(0) if len(left) > 1 else next(iter(left), Reply(200, {"order": "any"}))
        return answer(request) if callable(answer) else answer


@pytest.fixture(scope="module")
def desk_api() -> Iterator[tuple[Api, str]]:
    api = Api()
    with FaultyServer(api) as server:
        yield api, server.url


@pytest.fixture(scope="module")
def started(desk_api: tuple[Api, str], tmp_path_factory: pytest.TempPathFactory) -> Iterator[AgentServer]:
    with agent_server(tmp_path_factory.mktemp("server"), desk_api[1]) as server:
        yield server


@pytest.fixture
def api(desk_api: tuple[Api, str]) -> Api:
    desk_api[0].answers = {}
    return desk_api[0]


@pytest.fixture
def server(started: AgentServer) -> Iterator[AgentServer]:
    """The server; a blocking call found by its detector fails the test."""
    started.alarms()
    yield started
    assert started.alarms() == []


def said(text: str) -> dict[str, Any]:
    return {"messages": [{"role": "user", "content": text}]}


def new_thread(server: AgentServer) -> str:
    return str(server.client.threads.create()["thread_id"])


def run(server: AgentServer, thread: str, text: str, graph: str = "desk") -> list[Any]:
    """Return the history of the thread after a run to its end."""
    server.client.runs.wait(thread, graph, input=said(text))
    return server.history(thread)


def text_until_waiting(server: AgentServer, thread: str, text: str, *, answered: int = 0) -> str:
    """Send `text`; return the id of the run once one call waits for its next attempt and the others are done."""
    modes: Any = ["custom", "updates"]
    parts = server.client.runs.stream(thread, "desk", input=said(text), stream_mode=modes, on_disconnect="continue")
    run_id, told, ended = "", [], 0
    for part in parts:
        run_id = run_id or part.data["run_id"]
        told += [part.data["agent_tools"]["type"]] if part.event == "custom" else []
        ended += part.event == "updates" and "tools" in part.data
        if "tool_retry" in told and ended == answered:
            return run_id
    raise AssertionError("the run ended and nothing was tried again")


def test_the_demo_is_served_and_answers_each_call_of_a_customer(server: AgentServer) -> None:
    thread = new_thread(server)
    modes: Any = ["custom", "values"]
    parts = list(server.client.runs.stream(thread, "support", input=said("Where is my order?"), stream_mode=modes))
    history = server.history(thread)

    told = [part.data["agent_tools"]["type"] for part in parts if part.event == "custom"]
    assert [told.count(each) for each in ("tool_retry", "tool_recovered", "tool_failed")] == [3, 3, 3]
    assert shape_of(history) == ["human", "ai", *["success"] * 4, *["error"] * 3, "ai"]
    assert history[-1].text.startswith("Order A-1042 was sent.")


def test_retry_events_arrive_while_the_run_still_waits(server: AgentServer, api: Api) -> None:
    gate = Gate()
    api.answers = {"A-2": [Reply(503), gate]}
    thread = new_thread(server)
    run_id = text_until_waiting(server, thread, "A-2")

    assert server.client.runs.get(thread, run_id)["status"] == "running"
    gate.open.set()
    server.client.runs.join(thread, run_id)
    assert shape_of(server.history(thread)) == ["human", "ai", "success", "ai"]


SHAPE_BY_STRATEGY = {
    "enqueue": ["human", "ai", "success", "success", "ai", "human", "ai"],
    "interrupt": ["human", "ai", "success", "error", "human", "ai"],
    "rollback": ["human", "ai"],
}


@pytest.mark.parametrize("strategy", sorted(SHAPE_BY_STRATEGY))
def test_a_customer_who_writes_on_while_a_call_waits_leaves_no_call_unanswered(
    server: AgentServer, api: Api, strategy: Any
) -> None:
    gate = Gate()
    enqueued = [Reply(503), gate]
    api.answers = {"A-2": enqueued if strategy == "enqueue" else [Reply(503, headers={"Retry-After": "50"})]}
    thread = new_thread(server)
    text_until_waiting(server, thread, "A-1 and A-2", answered=1)
    second = server.client.runs.create(thread, "desk", input=said("hello?"), multitask_strategy=strategy)
    gate.open.set()
    server.client.runs.join(thread, second["run_id"])
    history = server.history(thread)

    check_history(history)
    assert shape_of(history) == SHAPE_BY_STRATEGY[strategy]
    assert shape_of(run(server, thread, "A-1"))[-4:] == ["human", "ai", "success", "ai"]


def test_an_interrupted_run_leaves_a_call_without_answer_which_the_repair_says_so_of(
    server: AgentServer, api: Api
) -> None:
    api.answers = {"A-2": [Reply(503, headers={"Retry-After": "50"})]}
    thread = new_thread(server)
    server.client.runs.cancel(thread, text_until_waiting(server, thread, "A-1 and A-2", answered=1), wait=True)
    left = server.history(thread)

    with pytest.raises(ValueError, match="every tool call must be answered"):
        check_history(left)
    kept, missing = [message for message in run(server, thread, "hello?") if isinstance(message, ToolMessage)]
    assert (kept.status, missing.artifact["reason"]) == ("success", "no_result")


def test_two_threads_are_served_at_the_same_time(server: AgentServer, api: Api) -> None:
    together = threading.Barrier(WORKERS, timeout=PATIENCE)

    def meet(request: Request) -> Reply:
        together.wait()
        return Reply(200, {"order": "A-1"})

    api.answers = {"A-1": [meet]}
    with ThreadPoolExecutor(WORKERS) as pool:
        histories = list(pool.map(lambda _: run(server, new_thread(server), "A-1"), range(WORKERS)))

    assert [shape_of(history) for history in histories] == [["human", "ai", "success", "ai"]] * WORKERS


def test_the_detector_that_stays_silent_sounds_when_a_tool_blocks(server: AgentServer) -> None:
    (answer,) = [message for message in run(server, new_thread(server), "block") if isinstance(message, ToolMessage)]

    assert answer.artifact["error_type"] == "BlockingError"
    assert server.alarms() == ["time.sleep"]


def test_nobody_in_the_world_is_asked(server: AgentServer) -> None:
    run(server, new_thread(server), "hello")

    assert server.world.requests == []
