"""Tools whose errors put no secrets into traces, and which are unchanged in everything else."""

import asyncio
import traceback
from collections.abc import Callable
from typing import Annotated, Any

import httpx
import pytest
from langchain.tools import ToolRuntime
from langchain_core.callbacks import BaseCallbackHandler
from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool, InjectedToolCallId, StructuredTool, ToolException, tool
from langchain_core.utils.function_calling import convert_to_openai_tool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.prebuilt import InjectedState, ToolNode
from langgraph.types import Command, interrupt
from pydantic import BaseModel, ValidationError, field_validator

from agent_tools import ResilientToolNode, RetryPolicy, ToolErrorHandler, ToolEvent, clean_errors, diagnose
from agent_tools._langgraph.clean_errors import CleanError
from agent_tools.testing import FaultyServer, Reply, no_waiting
from tests.support.toolbox import Flaky, Flavor, Graph, answers_in, asking, graph_of, graph_with, http_error

SECRETS = ["SK-SECRET-123", "hunter2", "db-1.internal", "ada@shop.example", "tr0ub4dor"]
DSN = "postgresql://bot:hunter2@db-1.internal:5432/orders"
THREAD = {"configurable": {"thread_id": "1"}}


class OutOfStockError(Exception):
    """An error type in no table."""


class Order(BaseModel):
    email: str

    @field_validator("email")
    @classmethod
    def known(cls, email: str) -> str:
        raise ValueError(f"{DSN} does not know {email}")


def raised_from(error: Exception, cause: BaseException) -> Exception:
    error.__cause__ = cause
    return error


def raised_while(error: Exception, context: BaseException) -> Exception:
    error.__context__ = context
    return error


def validation_error() -> ValidationError:
    with pytest.raises(ValidationError) as caught:
        Order(email="ada@shop.example")
    return caught.value


LEAKS: dict[str, Callable[[], Exception]] = {
    "key in a URL": lambda: http_error(403),
    "wait": lambda: http_error(429, {"Retry-After": "2"}),
    "password in a DSN": lambda: ConnectionError(f"could not connect to {DSN}"),
    "words that no pattern knows": lambda: RuntimeError("the password tr0ub4dor is wrong"),
    "cause": lambda: raised_from(OutOfStockError("ada@shop.example"), http_error(503)),
    "context": lambda: raised_while(OutOfStockError("no"), RuntimeError(DSN)),
    "group": lambda: ExceptionGroup(DSN, [http_error(503), ExceptionGroup("hunter2", [http_error(401)])]),
    "text for the model": lambda: raised_from(ToolException(f"ask {DSN} for ada@shop.example"), http_error(503)),
    "validation in the body": validation_error,
    "nothing but the secret": lambda: KeyError("hunter2"),
}


class Tracer(BaseCallbackHandler):
    """Keeps everything that a tracer could print about tool errors."""

    def __init__(self) -> None:
        self.printed: list[str] = []

    def on_tool_error(self, error: BaseException, **kwargs: Any) -> None:
        self.printed += [str(error), repr(error), *traceback.format_exception(error), f"{kwargs}"]
        self.printed += [repr(error.args), repr(error.__cause__), repr(error.__context__)]


def failing(flavor: Flavor, leak: Callable[[], Exception]) -> BaseTool:
    def lookup() -> str:
        raise leak()

    return flavor.tool(lookup)


def seen_in(flavor: Flavor, graph: Graph, state: Any) -> str:
    """Return everything that traces, callbacks and streams of a run show."""
    tracer = Tracer()
    with no_waiting():
        parts = flavor.stream(graph, state, "tools", {"callbacks": [tracer]})
        assert tracer.printed
        if flavor.is_async:
            parts += asyncio.run(events_of(graph, state))
    return "\n".join([*tracer.printed, *map(repr, parts)])


async def events_of(graph: Graph, state: Any) -> list[Any]:
    events = [event async for event in graph.astream_events(state, version="v2")]
    assert any(event["event"] == "on_tool_error" for event in events)
    return events


def facts_of(answer: ToolMessage) -> dict[str, Any]:
    return {name: value for name, value in answer.artifact.items() if name != "elapsed"}


# ---- no secret gets out ----


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_nothing_that_is_seen_of_a_run_has_a_secret_in_it(flavor: Flavor, leak: Callable[[], Exception]) -> None:
    tool, calls = failing(flavor, leak), asking(("lookup", {}))

    assert any(secret in seen_in(flavor, graph_of([tool]), calls) for secret in SECRETS)  # else `seen_in` is blind
    seen = seen_in(flavor, graph_of([clean_errors(tool)]), calls)

    assert [secret for secret in SECRETS if secret in seen] == []


@tool
def note(amount: int, state: Annotated[dict[str, Any], InjectedState]) -> str:
    """Take a note."""
    return "noted"


def test_arguments_that_do_not_fit_are_seen_without_what_the_application_injects(flavor: Flavor) -> None:
    state = {**asking(("note", {})), "secret": "hunter2"}
    body = StructuredTool.from_function(
        func=lambda order: "found", name="lookup", description="Looks up.", args_schema=Order
    )
    calls = asking(("lookup", {"email": "ada@shop.example"}))
    seen = seen_in(flavor, graph_of([clean_errors(body)]), calls)

    assert "db-1.internal" in seen_in(flavor, graph_of([body]), calls)
    assert "Value error" in seen
    assert "hunter2" not in seen
    assert "db-1.internal" not in seen
    plain, clean = (flavor.run(graph_of([each]), state) for each in (note, clean_errors(note)))
    assert answers_in(plain)[0].content == answers_in(clean)[0].content
    assert "amount: Field required" in answers_in(clean)[0].content


def test_a_chain_behind_an_interrupt_is_not_seen(flavor: Flavor) -> None:
    def approve() -> str:
        try:
            raise RuntimeError(DSN)
        except RuntimeError:
            return f"approved by {interrupt('may I?')}"

    tracer, graph = Tracer(), graph_of([clean_errors(flavor.tool(approve))], checkpointer=InMemorySaver())
    paused = flavor.run(graph, asking(("approve", {})), {**THREAD, "callbacks": [tracer]})
    final = flavor.run(graph, Command(resume="Ada"), THREAD)

    assert [each.value for each in paused["__interrupt__"]] == ["may I?"]
    assert answers_in(final)[0].content == "approved by Ada"
    assert tracer.printed
    assert "hunter2" not in "".join(tracer.printed)


# ---- everything else is unchanged ----


@pytest.mark.parametrize("leak", LEAKS.values(), ids=LEAKS.keys())
def test_answers_events_and_waits_are_those_of_the_tool_itself(flavor: Flavor, leak: Callable[[], Exception]) -> None:
    tool, told = failing(flavor, leak), list[list[ToolEvent]]()
    answers = []
    for each in (tool, clean_errors(tool)):
        told.append([])
        policy = RetryPolicy(retry_on={"retryable", "network"})
        handler = ToolErrorHandler(policy=policy, observer=told[-1].append, chance=lambda: 0.5, clock=lambda: 0.0)
        with no_waiting() as waits:
            graph = graph_with(ResilientToolNode([each], handler=handler))
            (answer,) = answers_in(flavor.run(graph, asking(("lookup", {}))))
        answers.append((answer.content, answer.status, answer.artifact, waits))

    assert answers[0] == answers[1]
    assert told[0] == told[1]


def test_a_real_server_is_asked_again_until_it_answers(flavor: Flavor) -> None:
    with FaultyServer({"/orders": [503, Reply(429, headers={"Retry-After": "1"}), {"status": "shipped"}]}) as server:

        def orders() -> str:
            return httpx.get(f"{server.url}/orders?api_key=SK-SECRET-123").raise_for_status().text

        with no_waiting() as waits:
            answer = flavor.answer(clean_errors(flavor.tool(orders)), policy=RetryPolicy())

    assert answer.content == '{"status": "shipped"}'
    assert len(waits) == 2
    assert waits[1] >= 1.0


def test_own_rules_and_exposed_types_see_the_original(flavor: Flavor) -> None:
    flaky = Flaky([OutOfStockError("back in an hour")])

    def lookup() -> str:
        return str(flaky())

    answer = flavor.answer(clean_errors(flavor.tool(lookup)), classify={OutOfStockError: "retryable"})
    assert (answer.content, flaky.runs) == ("done", 2)
    exposed = failing(flavor, lambda: OutOfStockError("back in an hour"))
    assert flavor.answer(clean_errors(exposed), expose=(OutOfStockError,)).content == "back in an hour"


def test_own_handling_and_own_wrappers_see_the_original(flavor: Flavor) -> None:
    seen = []

    def note_it(request: Any, execute: Any) -> Any:
        try:
            return execute(request)
        except OutOfStockError as error:
            seen.append(error)
            raise

    def in_my_words(error: OutOfStockError) -> str:
        return f"mine: {error}"

    tool = clean_errors(failing(flavor, lambda: OutOfStockError("no")))

    assert flavor.answer(tool, wrap_tool_call=note_it).status == "error"
    assert len(seen) == 1
    assert flavor.answer(tool, handle_tool_errors=in_my_words).content == "mine: no"
    with pytest.raises(OutOfStockError):
        flavor.answer(tool, handle_tool_errors=False)
    with pytest.raises(OutOfStockError):
        flavor.answer(tool, handle_tool_errors=(KeyError,))


@pytest.mark.parametrize(
    ("handled", "content"),
    [
        (True, "ask [link] for help"),
        ("sorry", "sorry"),
        (lambda error: f"{type(error).__name__}, code {error.code}", "StockError, code 7"),
    ],
    ids=["its text", "another text", "a function"],
)
def test_a_tool_that_answers_its_own_tool_exceptions_still_does(flavor: Flavor, handled: Any, content: str) -> None:
    class StockError(ToolException):
        code = 7

    def lookup() -> str:
        raise StockError(f"ask {DSN} for help")

    tool = flavor.tool(lookup, handle_tool_error=handled)
    plain, clean = (flavor.answer(each) for each in (tool, clean_errors(tool)))

    assert (clean.content, clean.status, facts_of(clean)) == (content, plain.status, facts_of(plain))
    assert plain.content == content


@pytest.mark.parametrize("handled", [True, "sorry", lambda error: f"{len(error.errors())}, {error.title}"])
def test_a_tool_that_answers_bad_arguments_itself_still_does(flavor: Flavor, handled: Any) -> None:
    def lookup(order: int) -> str:
        return "found"

    tool = flavor.tool(lookup, handle_validation_error=handled)
    plain, clean = (flavor.answer(each) for each in (tool, clean_errors(tool)))

    assert clean.content == plain.content


@pytest.mark.anyio
async def test_a_cancellation_passes() -> None:
    running = asyncio.Event()

    async def hangs() -> str:
        running.set()
        await asyncio.sleep(60)
        return "late"

    tool = clean_errors(StructuredTool.from_function(coroutine=hangs, description="Hangs."))
    task = asyncio.ensure_future(graph_of([tool]).ainvoke(asking(("hangs", {}))))
    await running.wait()
    task.cancel()

    with pytest.raises(asyncio.CancelledError):
        await task


def test_a_cancellation_of_the_tools_own_is_an_error_answer() -> None:
    async def lookup() -> str:
        raise asyncio.CancelledError

    flavor, tool = Flavor(is_async=True), StructuredTool.from_function(coroutine=lookup, description="Looks up.")
    plain, clean = (flavor.answer(each) for each in (tool, clean_errors(tool)))

    assert facts_of(clean) == facts_of(plain)


# ---- every kind of tool ----


class Step(BaseModel):
    step: int
    tool_call_id: Annotated[str, InjectedToolCallId]


class Counter(BaseTool):
    """A stateful tool, sync only."""

    name: str = "counter"
    description: str = "Counts."
    response_format: str = "content_and_artifact"  # type: ignore[assignment]
    args_schema: type[BaseModel] = Step
    count: int = 0

    def _run(self, step: int, tool_call_id: str, run_manager: Any = None) -> Any:
        self.count += step
        assert run_manager is not None
        if step == 0:
            raise http_error(403)
        return f"{tool_call_id}: {self.count}", {"count": self.count}


class AsyncOnly(BaseTool):
    """A tool that a sync run cannot call."""

    name: str = "counter"
    description: str = "Counts."

    def _run(self, step: int) -> Any:
        raise NotImplementedError

    async def _arun(self, step: int, config: Any = None) -> Any:
        if step == 0:
            raise http_error(403)
        return f"c1: {step}"


@tool
def counter(step: int, state: Annotated[dict[str, Any], InjectedState], runtime: ToolRuntime) -> str:
    """Counts."""
    if step == 0:
        raise http_error(403)
    return f"{runtime.tool_call_id}: {step + len(state['messages']) - 2}"


KINDS = [Counter(), AsyncOnly(), counter]


@pytest.mark.parametrize("tool", KINDS, ids=["subclass", "async only", "decorated"])
def test_every_kind_of_tool_works_and_is_described_as_before(tool: BaseTool) -> None:
    tool = tool.model_copy(update={"tags": ["a"], "metadata": {"b": 1}, "return_direct": True, "extras": {"c": 2}})
    clean, flavor = clean_errors(tool), Flavor(is_async=True)

    assert type(clean).__name__ == type(tool).__name__
    assert isinstance(clean, type(tool))
    assert clean.args == tool.args
    assert convert_to_openai_tool(clean) == convert_to_openai_tool(tool)
    assert {name: getattr(clean, name) for name in type(tool).model_fields} == {
        name: getattr(tool, name) for name in type(tool).model_fields
    }
    assert repr(clean) == repr(tool)
    assert flavor.answer(clean, arguments={"step": 1}).content == "c1: 1"
    plain, refused = (flavor.answer(each, arguments={"step": 0}) for each in (tool, clean))
    assert (refused.content, facts_of(refused)) == (plain.content, facts_of(plain))


def test_artifacts_and_the_tools_own_state_stay(flavor: Flavor) -> None:
    clean = clean_errors(Counter())
    first, second = (flavor.answer(clean, arguments={"step": 2}) for _ in range(2))

    assert (first.artifact, second.artifact) == ({"count": 2}, {"count": 4})


def test_a_sync_run_of_a_tool_that_is_async_alone_is_explained_as_before() -> None:
    with pytest.raises(NotImplementedError):
        Flavor(is_async=False).answer(clean_errors(AsyncOnly()), arguments={"step": 1})


def test_a_function_becomes_a_tool_and_a_clean_tool_stays_as_it_is() -> None:
    def lookup(order: int) -> str:
        """Look up an order."""
        return "found"

    clean = clean_errors(lookup)

    assert (clean.name, clean.description) == ("lookup", "Look up an order.")
    assert clean_errors(clean) is clean


def test_several_tools_at_once_are_refused() -> None:
    for given in ([AsyncOnly()], ToolNode([AsyncOnly()])):
        with pytest.raises(TypeError, match=r"clean_errors takes one tool or function at a time, not (list|ToolNode)"):
            clean_errors(given)  # type: ignore[arg-type]  # on purpose


def test_where_no_handler_of_ours_stands_the_clean_error_is_raised(flavor: Flavor) -> None:
    node = ToolNode([clean_errors(failing(flavor, lambda: http_error(403)))], handle_tool_errors=False)
    with pytest.raises(CleanError, match=r"^HTTPStatusError \(HTTP 403\)\n") as caught:
        flavor.run(graph_with(node), asking(("lookup", {})))

    assert diagnose(caught.value) == diagnose(http_error(403))
