"""What the model reads: short texts in a fixed order, without secrets, with the same facts for programs."""

import json
import warnings
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from langchain_core.messages import ToolMessage
from langchain_core.tools import StructuredTool, ToolException
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.checkpoint.sqlite import SqliteSaver
from langgraph.types import Command
from pydantic import BaseModel, Field, model_validator

from agent_tools import RetryPolicy, ToolErrorHandler
from agent_tools.testing import no_waiting
from tests.support.characters import CHARACTERS
from tests.support.toolbox import Door, Flavor, answers_in, asking, graph_of, http_error, names_of

pytestmark = pytest.mark.doors("node", "create_agent")

SECRETS = [
    "sk-live-4eC39HqLyjWDarjtT1zdp7dc",
    "Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N",
    "https://ada:hunter2@api.shop.internal/v1/orders?api_key=SK-SECRET-123",
    "postgresql://admin:hunter2@db-1.prod.internal:5432/orders",
    "ada.lovelace@customer.example",
    "/srv/app/secrets/prod.env",
    "db-1.prod.internal",
    "AKIAIOSFODNN7EXAMPLE",
    "password=hunter2-and-more",
    '<div class="error">Internal <b>stack</b></div>',
    'Traceback (most recent call last):\n  File "/srv/app/main.py", line 3, in run\n',
]
PIECES = [
    "4eC39HqLyj",
    "eyJzdWIi",
    "hunter2",
    "SK-SECRET",
    "ada.lovelace",
    "secrets/prod",
    "prod.internal",
    "IOSFODNN7",
    "class=",
    "main.py",
    "Traceback",
]
KEPT_IN_RESULTS = {"secrets/prod", "main.py", "Traceback"}


class CuratedError(Exception):
    """An error whose text is written for the model."""


def broken(error: BaseException) -> StructuredTool:
    def lookup() -> str:
        raise error

    return StructuredTool.from_function(lookup, description="Looks up.")


ERRORS = [
    http_error(400), http_error(401), http_error(402), http_error(403), http_error(404), http_error(407),
    http_error(409), http_error(410), http_error(422), http_error(429), http_error(429, {"Retry-After": "4000"}),
    http_error(500), http_error(503), http_error(504), http_error(529), TimeoutError(), ConnectionResetError(),
    ConnectionRefusedError(), ValueError("x"), KeyError("x"), Exception(""),
]  # fmt: skip


@pytest.mark.parametrize("idempotent", [None, True, False])
def test_answers_are_short_and_invite_to_nothing(flavor: Flavor, idempotent: bool | None) -> None:
    def lookup(number: int) -> str:
        raise ERRORS[number]

    policy = RetryPolicy(base_delay=0, throttled_delay=0, idempotent=idempotent)
    calls = [("lookup", {"number": number}) for number in range(len(ERRORS))]
    answers = flavor.answers([flavor.tool(lookup)], *calls, policy=policy, circuit=None, budget=None)

    assert len(answers) == len(ERRORS)
    for text in (answer.text for answer in answers):
        assert len(text.split()) <= 60
        assert "`lookup`" in text
        lowered = text.lower()
        for invitation in ("try again", "please", "retry", "fix your mistakes"):
            assert invitation not in lowered
        assert "SK-SECRET" not in text
        assert "http://" not in text
        assert text.endswith(".")


def test_the_answers_read_as_they_should(door: Door) -> None:
    def text(error: Exception, **policy: Any) -> str:
        tool = broken(error)
        handler = ToolErrorHandler(policy=RetryPolicy(base_delay=0, throttled_delay=0, **policy), clock=lambda: 100.0)
        return str(
            answers_in(graph_of([tool], door=door, policy=None, handler=handler).invoke(asking(("lookup", {}))))[
                0
            ].content
        )

    assert text(http_error(503), idempotent=True) == (
        "`lookup` failed: its service has a problem (HTTP 503). It was tried 3 times in 0.0 s. There is no result. "
        "Tell the user that `lookup` is not available at present and continue without it."
    )
    assert text(http_error(403)) == (
        "`lookup` was refused: its credentials lack a right (HTTP 403). It was tried once. Only its operator can fix "
        "that. Tell the user that `lookup` is not available and continue without it."
    )
    assert text(TimeoutError(), idempotent=False) == (
        "`lookup` did not answer in time. It was tried once, for 0.0 s. It is unknown whether it took effect: check "
        "before doing it again. Tell the user that the outcome of `lookup` has to be checked, and continue without "
        "its result."
    )
    assert text(http_error(404)) == (
        "`lookup` found nothing for these arguments (HTTP 404). It was tried once. Check the arguments with the user, "
        "or continue without it."
    )
    assert text(http_error(429, {"Retry-After": "600"})) == (
        "`lookup` was refused: its service gets too many requests (HTTP 429). It was tried once. The service asks to "
        "be left alone for 600 s (about 10 min). There is no result. Tell the user that `lookup` is not available at "
        "present and continue without it."
    )
    assert text(ValueError("sk-live-4eC39HqLyjWDarjtT1zdp7dc")) == (
        "`lookup` failed because of an error that repeating it does not change. It was tried once. If it changes "
        "anything, it is unknown whether it took effect: check before doing it again. Tell the user that `lookup` "
        "does not work at present and continue without it."
    )


def test_the_answer_of_a_direct_tool_is_fit_for_the_user(door: Door) -> None:
    def lookup() -> str:
        raise http_error(401)

    tool = StructuredTool.from_function(lookup, description="Looks up.", return_direct=True)
    (answer,) = answers_in(graph_of([tool], door=door).invoke(asking(("lookup", {}))))

    assert "Tell the user" not in answer.content


@pytest.mark.parametrize("kind", [Exception, ToolException, CuratedError, "cause", "returned"])
def test_no_secret_reaches_answer_artifact_events_stream_or_log(
    flavor: Flavor, kind: Any, caplog: pytest.LogCaptureFixture
) -> None:
    def lookup(number: int) -> Any:
        text = f"lookup of order A-1001 failed with {SECRETS[number]} at the end"
        if kind == "cause":
            raise RuntimeError(text) from http_error(503)
        if kind == "returned":
            return ToolMessage(text, tool_call_id=f"c{number + 1}", status="error")
        raise kind(text)

    events: list[Any] = []
    options = {"expose": (ToolException, CuratedError), "observer": events.append, "circuit": None}
    graph = flavor.graph_of([flavor.tool(lookup)], **options)
    calls = asking(*(("lookup", {"number": number}) for number in range(len(SECRETS))))
    with caplog.at_level("DEBUG", logger="agent_tools"), no_waiting():
        parts = flavor.stream(graph, calls, "custom")
        answers = answers_in(flavor.run(graph, calls))

    assert [answer.status for answer in answers] == ["error"] * len(SECRETS)
    assert all(answer.content.strip() for answer in answers)
    log = caplog.text.replace("Traceback (most recent call last):", "")  # tracebacks in the log begin like this, too
    shown = [[answer.content, str(answer.artifact)] for answer in answers]
    seen = json.dumps([shown, repr(events), parts, log])
    pieces = set(PIECES) - KEPT_IN_RESULTS if kind == "returned" else PIECES
    for piece in pieces:
        assert piece not in seen


@pytest.mark.untraced
@settings(
    max_examples=60,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],  # the door is a constant
)
@given(
    st.text(CHARACTERS, max_size=300),
    st.sampled_from(SECRETS),
    st.text(CHARACTERS, max_size=300),
    st.sampled_from([ToolException, ValueError]),
)
def test_no_secret_gets_out_of_any_surroundings(
    door: Door, before: str, secret: str, after: str, kind: type[Exception]
) -> None:
    text = f"{before} {secret} {after}"
    (answer,) = answers_in(graph_of([broken(kind(text))], door=door).invoke(asking(("lookup", {}))))

    assert answer.content.strip()
    for piece in PIECES:
        assert piece in before + after or piece not in answer.content


def test_text_written_for_the_model_passes_scrubbed_and_capped(flavor: Flavor) -> None:
    def lookup() -> str:
        raise CuratedError("Order A-1001 has been shipped, key sk-live-4eC39HqLyjWDarjtT1zdp7dc. " + "x " * 5000)

    text = flavor.answer(flavor.tool(lookup), expose=(CuratedError,)).content

    assert text.startswith("Order A-1001 has been shipped, key [")
    assert len(text) <= 500


def test_a_tool_exception_around_an_outage_is_retried_and_keeps_its_words(flavor: Flavor) -> None:
    runs = []

    def lookup() -> str:
        runs.append("lookup")
        try:
            raise http_error(503)
        except Exception as error:
            raise ToolException("The order system is down for its nightly backup.") from error

    text = flavor.answer(flavor.tool(lookup)).content

    assert len(runs) == 3
    assert text.startswith("The order system is down for its nightly backup. It was tried 3 times")


class Unprintable(ToolException):
    def __str__(self) -> str:
        raise RuntimeError("no")


def nested(error: Exception, depth: int) -> Exception:
    """Return error groups nested deeper than Python's recursion limit."""
    for _ in range(depth):
        error = ExceptionGroup("group", [error])
    return error


HOSTILE = [
    Exception(""),
    ToolException(""),
    ToolException("  \n"),
    Unprintable(),
    ToolException("x" * 10**7),
    Exception("x" * 10**7),
    nested(ValueError("no"), 2_000),
]


@pytest.mark.parametrize("error", HOSTILE, ids=names_of(HOSTILE))
def test_no_answer_is_empty_or_long(flavor: Flavor, error: Exception) -> None:
    def lookup() -> str:
        raise error

    answer = flavor.answer(flavor.tool(lookup))

    assert answer.content.strip()
    assert len(answer.content) <= 600


RETURNED = [
    "",
    "sk-live-4eC39HqLyjWDarjtT1zdp7dc",
    [{"type": "text", "text": "password=hunter2"}],
    [{"type": "text", "text": " "}],
]


@pytest.mark.parametrize("content", RETURNED)
def test_a_returned_error_counts_as_one_is_scrubbed_and_not_run_again(flavor: Flavor, content: Any) -> None:
    runs = []
    events: list[Any] = []

    def lookup() -> Any:
        runs.append("lookup")
        return ToolMessage(content, tool_call_id="c1", status="error")

    answer = flavor.answer(flavor.tool(lookup), observer=events.append)

    assert (answer.status, runs) == ("error", ["lookup"])
    assert answer.text.strip()
    assert "4eC39" not in str(answer.content)
    assert "hunter2" not in str(answer.content)
    assert [event.type for event in events] == ["tool_failed"]


@pytest.mark.parametrize("content", RETURNED[1:3])
@pytest.mark.parametrize("carried", ["in a command", "in a list"])
def test_a_returned_error_in_a_command_or_list_is_scrubbed_too(flavor: Flavor, content: Any, carried: str) -> None:
    def lookup() -> Any:
        message = ToolMessage(content, tool_call_id="c1", status="error")
        return [message] if carried == "in a list" else Command(update={"messages": [message]})

    answer = flavor.answer(flavor.tool(lookup))

    assert answer.status == "error"
    assert "4eC39" not in str(answer.content)
    assert "hunter2" not in str(answer.content)


class Booking(BaseModel):
    nights: int = Field(ge=1)
    first: int
    last: int

    @model_validator(mode="after")
    def ordered(self) -> "Booking":
        if self.first > self.last:
            raise ValueError("first must not be after last")
        return self


@pytest.mark.parametrize(
    ("arguments", "facts"),
    [
        ({}, ["nights: Field required", "first: Field required", "last: Field required"]),
        ({"nights": 0, "first": 1, "last": 2}, ["nights: Input should be greater than or equal to 1"]),
        ({"nights": 1, "first": 3, "last": 2}, ["Together: Value error, first must not be after last"]),
    ],
)
def test_bad_arguments_are_named_field_by_field(flavor: Flavor, arguments: dict[str, Any], facts: list[str]) -> None:
    def book(nights: int, first: int, last: int) -> str:
        raise AssertionError("the body must not be reached")

    answer = flavor.answer(flavor.tool(book, args_schema=Booking), arguments=arguments)

    for fact in facts:
        assert fact in answer.content
    assert answer.artifact["may_have_acted"] is False
    assert answer.artifact["category"] == "non_retryable"


def test_a_validation_error_from_inside_the_tool_is_not_called_bad_arguments(flavor: Flavor) -> None:
    def lookup() -> str:
        return str(Booking.model_validate({"nights": "many"}))

    answer = flavor.answer(flavor.tool(lookup))

    assert "arguments" not in answer.content
    assert "nights" not in answer.content


EXPECTED_FACTS = {"category", "attempts", "elapsed", "retry_after", "may_have_acted", "error_type", "status_code"}


def _facts_after(flavor: Flavor, checkpointer: Any) -> dict[str, Any]:
    def lookup() -> str:
        raise http_error(429, {"Retry-After": "600"})

    thread = {"configurable": {"thread_id": "1"}}
    graph = flavor.graph_of([flavor.tool(lookup)], checkpointer=checkpointer)
    graph.invoke(asking(("lookup", {})), thread)
    (answer,) = answers_in(graph.get_state(thread).values)
    return dict(answer.artifact)


@pytest.mark.parametrize("kind", ["memory", "sqlite"])
def test_the_facts_for_programs_survive_a_checkpoint_without_a_warning(
    kind: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with warnings.catch_warnings(), caplog.at_level("WARNING", logger="langgraph"):
        warnings.simplefilter("error")
        if kind == "memory":
            facts = _facts_after(Flavor(is_async=False), InMemorySaver())
        else:
            with SqliteSaver.from_conn_string(str(tmp_path / "state.db")) as saver:
                facts = _facts_after(Flavor(is_async=False), saver)

    assert set(facts) >= EXPECTED_FACTS
    assert {type(value) for value in facts.values()} <= {str, int, float, bool, type(None)}
    assert (facts["category"], facts["status_code"], facts["retry_after"]) == ("retryable", 429, 600.0)
    assert [record for record in caplog.records if record.name.startswith("langgraph")] == []
