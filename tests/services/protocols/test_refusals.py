"""The test providers refuse what real ones refuse, and so does the scripted model of `agent_tools.testing`."""

from typing import Any

import pytest
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, ToolMessage

from agent_tools.testing import check_history
from tests.services.protocols.bots import DIALECT_BY_PROVIDER, MODEL_BY_PROVIDER, refusals
from tests.services.protocols.provider import Provider

PROVIDERS = sorted(DIALECT_BY_PROVIDER)


def asking(*ids: str) -> AIMessage:
    return AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": each} for each in ids])


def answer(call_id: str, text: str = "charged", **fields: Any) -> ToolMessage:
    return ToolMessage(text, tool_call_id=call_id, **fields)


USER = HumanMessage("Pay")

BROKEN: dict[str, list[BaseMessage]] = {
    "a call without answer": [USER, asking("c1"), USER],
    "a call without answer at the end": [USER, asking("c1")],
    "one of two calls without answer": [USER, asking("c1", "c2"), answer("c2"), USER],
    "a call with two answers": [USER, asking("c1"), answer("c1"), answer("c1")],
    "an answer without call": [USER, answer("c1")],
    "an answer that comes late": [USER, asking("c1"), USER, answer("c1")],
    "an answer to an earlier message": [USER, asking("c1"), answer("c1"), asking("c2"), answer("c1")],
    "two calls with one id": [USER, asking("c1", "c1"), answer("c1"), answer("c1")],
}

WHOLE: dict[str, list[BaseMessage]] = {
    "no calls": [USER, AIMessage("How much?"), USER],
    "calls in parallel": [USER, asking("c1", "c2"), answer("c2"), answer("c1"), USER],
    "calls one after the other": [USER, asking("c1"), answer("c1"), asking("c2"), answer("c2"), USER],
    "an error with a text": [USER, asking("c1"), answer("c1", "no", status="error")],
    "a result without a text": [USER, asking("c1"), answer("c1", "")],
}

NO_TEXT = [USER, asking("c1"), answer("c1", "", status="error")]


def ask(name: str, history: list[BaseMessage]) -> str:
    """Return the provider's response to a history."""
    with Provider(DIALECT_BY_PROVIDER[name], ["Fine."]) as provider:
        return MODEL_BY_PROVIDER[name](provider.url, streaming=False).invoke(history).text


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("history", BROKEN.values(), ids=BROKEN)
def test_a_history_that_is_not_whole_is_refused(name: str, history: list[BaseMessage]) -> None:
    with pytest.raises(refusals()) as refused:
        ask(name, history)
    assert getattr(refused.value, "status_code", None) == 400
    with pytest.raises(ValueError, match=r"call|answer"):
        check_history(history)


@pytest.mark.parametrize("name", PROVIDERS)
@pytest.mark.parametrize("history", WHOLE.values(), ids=WHOLE)
def test_a_whole_history_is_accepted(name: str, history: list[BaseMessage]) -> None:
    check_history(history)

    assert ask(name, history) == "Fine."


def test_an_error_without_a_text_is_refused_by_the_one_that_knows_errors() -> None:
    assert ask("openai", NO_TEXT) == "Fine."
    with pytest.raises(refusals(), match="content cannot be empty"):
        ask("anthropic", NO_TEXT)
