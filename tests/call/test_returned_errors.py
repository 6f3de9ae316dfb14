"""Returned errors are classified, retried and reported like raised ones, and reach the model in full."""

from collections.abc import Callable
from typing import Any

import pytest
from langchain.agents.middleware import wrap_tool_call
from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool
from langgraph.types import Command

from agent_tools import Failure, ResilientToolNode, RetryPolicy, ToolEvent
from tests.support.toolbox import AT_ONCE, Flavor, answers_in, asking, graph_of, graph_with

pytestmark = pytest.mark.doors("node", "create_agent")

SECRET = "sk-live-4eC39HqLyjWDarjtT1zdp7dc"
OUTPUT = "\n".join(
    [
        "Traceback (most recent call last):",
        '  File "src/shop/test_cart.py", line 12, in test_total',
        *[f"src/shop/cart.py:{number}: error: Incompatible return value type" for number in range(55)],
        "AssertionError: status code 503 expected, got 200",
        "exit code 1",
    ]
)
SERVICE_DOWN = "Error executing tool lookup: Server error '503 Service Unavailable' for url 'http://x.example/a'"
IDEMPOTENT = RetryPolicy(base_delay=0, throttled_delay=0, idempotent=True)


def returning(flavor: Flavor, *contents: Any, **options: Any) -> tuple[StructuredTool, list[int]]:
    """Return a tool, and its runs; it returns an error for each of `contents`, then a result."""
    left, runs = list(contents), list[int]()

    def lookup() -> Any:
        runs.append(len(runs))
        if not left:
            return "found"
        return ToolMessage(left.pop(0), tool_call_id="c1", name="lookup", status="error")

    tool = flavor.tool(lookup, **options)
    assert isinstance(tool, StructuredTool)
    return tool, runs


def test_output_of_sixty_lines_reaches_the_model_whole_without_its_key(flavor: Flavor) -> None:
    tool, _ = returning(flavor, f"{OUTPUT}\napi_key={SECRET}")
    answer = flavor.answer(tool, policy=IDEMPOTENT)

    assert answer.content == f"{OUTPUT}\napi_key=[secret]"
    assert answer.artifact["category"] == "non_retryable"  # a status somewhere in a long output means nothing


TOLD = [
    (SERVICE_DOWN, "retryable", 503),
    ("Error executing tool lookup: Client error '401 Unauthorized' for url 'http://x.example/'", "auth_failure", 401),
    ("HTTP 404: no such order", "non_retryable", 404),
    ("Error calling tool 'lookup': HTTP 429: slow down", "retryable", 429),
    ("no order 503", "non_retryable", None),
]


@pytest.mark.parametrize(("text", "category", "status"), TOLD)
def test_what_the_text_says_in_an_anchored_form_is_the_category(
    flavor: Flavor, text: str, category: str, status: int | None
) -> None:
    events = list[ToolEvent]()
    tool, runs = returning(flavor, text)
    answer = flavor.answer(tool, observer=events.append)

    assert (answer.artifact["category"], answer.artifact["status_code"]) == (category, status)
    assert len(runs) == 1  # undeclared: a text alone is not enough to run again what may have acted
    assert [(str(event.type), event.category) for event in events] == [("tool_failed", category)]


@pytest.mark.parametrize(
    "metadata",
    [
        {"readOnlyHint": True},
        {"idempotentHint": True, "destructiveHint": True},
        {"mcp": {"tool": {"annotations": {"read_only_hint": True}}}},
        None,
    ],
)
def test_a_tool_that_is_hinted_or_declared_idempotent_is_run_again(flavor: Flavor, metadata: Any) -> None:
    tool, runs = returning(flavor, SERVICE_DOWN, metadata=metadata)
    answer = flavor.answer(tool, policy=IDEMPOTENT if metadata is None else AT_ONCE)

    assert (answer.content, len(runs)) == ("found", 2)


def test_rules_are_asked_with_the_message(flavor: Flavor) -> None:
    tool, runs = returning(flavor, "index is rebuilding")

    def rule(error: Any) -> str | None:
        return "retryable" if isinstance(error, ToolMessage) and "rebuilding" in error.text else None

    assert flavor.answer(tool, classify=rule).content == "found"
    assert len(runs) == 2


@pytest.mark.parametrize("said", ["auth_failure", "timeout", Failure(category="auth_failure", status_code=403)])
def test_failed_when_may_name_a_category_or_all_of_the_failure(flavor: Flavor, said: Any) -> None:
    runs = []

    def lookup() -> str:
        runs.append(1)
        return "session expired"

    answer = flavor.answer(flavor.tool(lookup), policy=RetryPolicy(failed_when=lambda result: said))

    assert (answer.status, answer.content, len(runs)) == ("error", "session expired", 1)
    assert answer.artifact["category"] == (said.category if isinstance(said, Failure) else said)


TEXTS: list[tuple[Any, str]] = [
    ({"retryable": "{tool} ist gestört ({status_code})."}, "lookup ist gestört (503)."),
    ({"retryable": "Fehler: {detail}"}, "Fehler: HTTP 503: down"),
    ({"timeout": "nicht dies"}, "HTTP 503: down"),
    (lambda outcome: f"Kategorie {outcome.failure.category}", "Kategorie retryable"),
]


@pytest.mark.parametrize(("texts", "content"), TEXTS)
def test_words_of_the_user_apply_where_there_are_some(flavor: Flavor, texts: Any, content: str) -> None:
    tool, _ = returning(flavor, "HTTP 503: down")

    assert flavor.answer(tool, texts=texts).content == content


def test_facts_stand_beside_an_artifact_of_the_tools_own(flavor: Flavor) -> None:
    def lookup() -> ToolMessage:
        return ToolMessage("HTTP 503", tool_call_id="c1", status="error", artifact={"rows": []})

    answer = flavor.answer(flavor.tool(lookup))

    assert answer.artifact == {"rows": []}
    assert answer.additional_kwargs["lc_source"] == "agent_tools"
    assert answer.additional_kwargs["lc_data"]["status_code"] == 503


def test_an_answer_within_a_command_is_marked_too(flavor: Flavor) -> None:
    def lookup() -> Command[Any]:
        return Command(update={"messages": [ToolMessage("session expired", tool_call_id="c1")]})

    policy = RetryPolicy(failed_when=lambda result: "auth_failure")
    answer = flavor.answer(flavor.tool(lookup), policy=policy)

    assert (answer.status, answer.artifact["category"]) == ("error", "auth_failure")


@pytest.mark.doors("create_agent")
def test_what_other_middleware_answers_for_a_human_is_left_alone(flavor: Flavor) -> None:
    runs, events = [], list[ToolEvent]()

    def lookup() -> str:
        runs.append(1)
        return "found"

    kwargs = {"lc_source": "hitl_interrupt_decision", "lc_data": {"decision": "reject"}}
    rejected = ToolMessage("User rejected", tool_call_id="c1", status="error", additional_kwargs=kwargs)
    inside = answering(flavor, lambda request: rejected)
    answer = flavor.answer(flavor.tool(lookup), inside=[inside], observer=events.append)

    assert (answer.content, answer.additional_kwargs, answer.artifact) == ("User rejected", kwargs, None)
    assert (runs, events) == ([], [])


@pytest.mark.doors("create_agent")
def test_what_other_middleware_blocks_is_no_failure_of_the_tool(flavor: Flavor) -> None:
    events = list[ToolEvent]()

    def lookup() -> str:
        return "found"

    blocked = ToolMessage("blocked by policy", tool_call_id="c1", status="error")
    inside = answering(flavor, lambda request: blocked)
    answer = flavor.answer(flavor.tool(lookup), inside=[inside], observer=events.append)

    assert (answer.content, answer.additional_kwargs, events) == ("blocked by policy", {}, [])


def answering(flavor: Flavor, answer: Callable[[Any], Any]) -> Any:
    """Return middleware that answers calls without running them."""
    if not flavor.is_async:
        return wrap_tool_call(lambda request, handler: answer(request))

    @wrap_tool_call
    async def block(request: Any, handler: Any) -> Any:
        return answer(request)

    return block


@pytest.mark.doors("node")
def test_a_tool_that_the_model_made_up_is_told_so_in_one_line(flavor: Flavor) -> None:
    name = f"book\nCRITICAL root forged api_key={SECRET}"
    state = flavor.run(graph_of([flavor.tool(lambda: "x", name="book")]), asking((name, {})))
    (answer,) = answers_in(state)

    assert answer.content.startswith("Error: book CRITICAL root forged api_key=[secret] is not a valid tool")
    assert "\n" not in answer.content
    assert answer.artifact["may_have_acted"] is False


@pytest.mark.doors("node")
def test_a_wrapper_of_the_users_gets_the_marked_result() -> None:
    flavor, seen = Flavor(is_async=False), []
    tool, _ = returning(flavor, "HTTP 503")

    def around(request: Any, execute: Any) -> Any:
        seen.append(execute(request))
        return seen[-1]

    flavor.run(graph_with(ResilientToolNode([tool], wrap_tool_call=around)), asking(("lookup", {})))

    assert [(message.status, message.artifact["status_code"]) for message in seen] == [("error", 503)]
