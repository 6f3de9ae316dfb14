"""Whatever fails, the provider accepts the history: at once, in the next turn, and after a repair."""

from collections.abc import Sequence
from typing import Any

import httpx
import pytest
from langchain_core.messages import BaseMessage, ToolMessage
from langgraph.prebuilt import ToolNode

from tests.services.protocols.bots import DOORS, graph_bot, refusals
from tests.services.protocols.conftest import Open
from tests.services.protocols.provider import Asked, asked
from tests.support.toolbox import answers_in

pytestmark = pytest.mark.untraced

#: A stream is parsed as far as possible; the second call then has no arguments.
UNREADABLE = ("amount: 5", '{"amount": five')

#: Anthropic sends arguments as text only in a stream.
BRINGING_TEXT = [("openai", False), ("openai", True), ("anthropic", True)]


@pytest.fixture(params=sorted(DOORS))
def door(request: pytest.FixtureRequest) -> Any:
    return DOORS[request.param]


def plain_bot(**options: Any) -> Any:
    """Return the bot with LangGraph's ToolNode."""
    return lambda model, tools: graph_bot(model, ToolNode(tools, **options))


def answers(history: Sequence[BaseMessage]) -> dict[str, ToolMessage]:
    """Return the answers, by the id of their call."""
    return {answer.tool_call_id: answer for answer in answers_in({"messages": history})}


def test_every_way_to_fail_in_one_message_is_answered_and_the_next_turns_are_accepted(
    open_talk: Open, door: Any
) -> None:
    calls = [
        asked("get_order"),
        asked("get_customer"),
        asked("get_shipping"),
        asked("refund", amount="many"),
        asked("no_such_tool"),
        asked("refund", amount=5),
        asked("break_off"),
    ]
    talk = open_talk(door, [calls, "I did what I could.", [asked("get_customer")], "Still not.", "Goodbye."])
    talk.say("Help me")
    talk.say("And my name?")
    history = talk.say("Thank you")

    assert talk.provider.refused == []
    assert [answer.status for answer in answers(history).values()] == [
        *("success", "error", "error", "error", "error", "success", "error", "error")
    ]
    categories = [(answer.artifact or {}).get("category") for answer in answers(history).values()]
    assert categories[1:3] == ["auth_failure", "timeout"]
    assert history[-1].text == "Goodbye."


def test_the_provider_sees_one_answer_for_each_call_in_their_order(open_talk: Open, door: Any) -> None:
    talk = open_talk(door, [[asked("get_customer"), asked("refund", amount=5)], "Done."])
    history = talk.say("Help me")

    sent = talk.provider.answers_seen()
    assert [each.call_id for each in sent] == ["call_1", "call_2"]
    assert [each.text for each in sent] == [answer.text for answer in answers(history).values()]


@pytest.mark.parametrize("arguments", UNREADABLE, ids=["no-json", "half-json"])
@pytest.mark.parametrize(("provider_name", "streaming"), BRINGING_TEXT)
def test_arguments_that_cannot_be_read_are_answered_and_the_model_is_asked_again(
    open_talk: Open, door: Any, arguments: str
) -> None:
    calls = [Asked("refund", arguments), asked("refund", amount=5)]
    talk = open_talk(door, [calls, [asked("refund", amount=6)], "Done.", "Goodbye."])
    talk.say("Pay me")
    history = talk.say("Thank you")

    assert talk.provider.refused == []
    assert {key: answer.status for key, answer in answers(history).items()} == {
        "call_1": "error",
        "call_2": "success",
        "call_3": "success",
    }
    assert answers(history)["call_1"].text.startswith("`refund` was not run: its arguments ")
    assert [message.text for message in history[-3:]] == ["Done.", "Thank you", "Goodbye."]


def test_the_thread_of_a_crashed_run_is_refused_until_it_is_repaired(open_talk: Open) -> None:
    calls = [asked("get_customer"), asked("refund", amount=5)]
    talk = open_talk(plain_bot(handle_tool_errors=False), [calls, "Where were we?"])
    with pytest.raises(httpx.HTTPStatusError):
        talk.say("Help me")
    with pytest.raises(refusals(), match="call_1"):
        talk.say("Are you there?")
    talk.repair()
    history = talk.say("Are you there now?")

    assert len(talk.provider.refused) == 1
    assert answers(history)["call_1"].status == "error"
    assert history[-1].text == "Where were we?"


def test_a_user_who_writes_on_instead_of_approving_is_refused_until_the_thread_is_repaired(
    open_talk: Open, door: Any
) -> None:
    talk = open_talk(door, [[asked("approve"), asked("refund", amount=5)], "As you like."])
    talk.say("Pay me")
    with pytest.raises(refusals(), match="call_1"):
        talk.say("Never mind")
    talk.repair()
    history = talk.say("Never mind, really")

    assert {key: answer.status for key, answer in answers(history).items()} == {"call_1": "error", "call_2": "success"}
    assert history[-1].text == "As you like."


def test_an_error_without_a_text_raised_or_returned_is_sent_with_one(open_talk: Open, door: Any) -> None:
    talk = open_talk(door, [[asked("break_off"), asked("report")], "Sorry."])

    assert talk.say("Break")[-1].text == "Sorry."
    assert all(each.text for each in talk.provider.answers_seen())


def test_an_error_without_a_text_that_somebody_else_answers_is_refused(open_talk: Open, provider_name: str) -> None:
    talk = open_talk(plain_bot(handle_tool_errors=str), [[asked("break_off")], "Sorry."])
    if provider_name == "openai":
        assert talk.say("Break")[-1].text == "Sorry."  # the API has no error status, only text
        return
    with pytest.raises(refusals(), match="content cannot be empty"):
        talk.say("Break")
