"""Each call has one answer, right after the message that makes it."""

import sys
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agent_tools.routing import repair_unanswered_tool_calls
from agent_tools.testing import check_history
from tests.routing.bots import asking_for, invalid_call, shape_of

HI, HELLO = HumanMessage("hi"), HumanMessage("hello?")


def answer(call_id: str, content: str = "done") -> ToolMessage:
    return ToolMessage(content, tool_call_id=call_id)


def test_an_unanswered_call_is_answered_with_what_is_known() -> None:
    _, _, added, _ = repair_unanswered_tool_calls([HI, asking_for("charge", message_id="a1"), HELLO])

    assert added == ToolMessage(
        "No result was recorded for `charge`: it may or may not have run. Check before doing it again.",
        name="charge",
        tool_call_id="c1",
        status="error",
        id="a1-c1",
        artifact={"reason": "no_result", "may_have_acted": True},
    )


ASKING = asking_for("charge", "lookup")
TABLE = [
    ("none answered", [HI, ASKING, HELLO], ["human", "ai", "c1", "c2", "human"]),
    ("at the end", [HI, ASKING], ["human", "ai", "c1", "c2"]),
    ("one answered", [HI, ASKING, answer("c2"), HELLO], ["human", "ai", "c1", "c2", "human"]),
    ("all answered, in another order", [ASKING, answer("c2"), answer("c1")], ["ai", "c2", "c1"]),
    ("two messages", [ASKING, HI, ASKING, HELLO], ["ai", "c1", "c2", "human", "ai", "c1", "c2", "human"]),
    ("model after model", [ASKING, AIMessage("Hm."), HI], ["ai", "c1", "c2", "ai", "human"]),
    ("id of a later turn", [ASKING, HI, ASKING, answer("c1")], ["ai", "c1", "c2", "human", "ai", "c1", "c2"]),
    ("late answer", [ASKING, answer("c1"), HI, answer("c2")], ["ai", "c1", "c2", "human"]),
    ("second answer", [ASKING, answer("c1"), answer("c1"), answer("c2")], ["ai", "c1", "c2"]),
    ("answer of nobody", [answer("x"), ASKING, HI], ["ai", "c1", "c2", "human"]),
    ("unreadable", [AIMessage("", invalid_tool_calls=[invalid_call()]), HI], ["ai", "i1", "human"]),
    ("unreadable, no id", [AIMessage("", invalid_tool_calls=[invalid_call(None)]), HI], ["ai", "human"]),
    ("no id", [AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": None}]), HI], ["ai", "human"]),
]


@pytest.mark.parametrize(("given", "expected"), [row[1:] for row in TABLE], ids=[row[0] for row in TABLE])
def test_answers_stand_right_behind_the_message_that_makes_the_calls(given: list[Any], expected: list[str]) -> None:
    assert shape_of(repair_unanswered_tool_calls(given)) == expected


def test_of_two_answers_the_first_stays_but_a_real_one_replaces_the_word_that_there_is_none() -> None:
    broken = [asking_for("charge"), HI]
    makeshift = repair_unanswered_tool_calls(broken)
    late = answer("c1", "charged")

    assert repair_unanswered_tool_calls([*makeshift, late]) == [broken[0], late, HI]
    assert repair_unanswered_tool_calls([*makeshift, late, answer("c1", "again")]) == [broken[0], late, HI]
    assert repair_unanswered_tool_calls([broken[0], late, HI, makeshift[1]]) == [broken[0], late, HI]


def twins(*calls: tuple[str, str], message_id: str | None = "a1") -> AIMessage:
    """Return a message whose calls share one id."""
    return AIMessage("", id=message_id, tool_calls=[{"name": tool, "args": {}, "id": call} for tool, call in calls])


def test_calls_of_one_id_keep_an_answer_each() -> None:
    paid = [answer("x", "paid Ann"), answer("x", "paid Bob")]
    whole: list[Any] = [HI, twins(("pay", "x"), ("pay", "x")), *paid, AIMessage("done")]
    assert repair_unanswered_tool_calls(whole) is whole

    without_one: list[Any] = [*whole[:3], *whole[4:]]
    repaired = repair_unanswered_tool_calls(without_one)
    assert shape_of(repaired) == ["human", "ai", "x", "x", "ai"]
    assert len({message.id for message in repaired[2:4]}) == 2


def test_an_answer_belongs_to_the_twin_whose_tool_it_names() -> None:
    mine = ToolMessage("found", tool_call_id="x", name="lookup")
    _, _, first, second = repair_unanswered_tool_calls([HI, twins(("pay", "x"), ("lookup", "x")), mine])
    assert first.artifact == {"reason": "no_result", "may_have_acted": True}
    assert second is mine


def test_answers_to_calls_without_an_id_are_kept() -> None:
    for call_id in ("", None):
        message = twins(("pay", call_id), ("pay", call_id))  # type: ignore[arg-type]  # some models send None
        whole: list[Any] = [HI, message, answer(""), answer("")]
        assert repair_unanswered_tool_calls(whole) is whole


BLOCKS = [
    {"type": "tool_use", "id": "c1", "name": "charge", "input": {}},
    {"type": "function_call", "call_id": "c1", "id": "fc_1", "name": "charge", "arguments": "{}"},
    {"type": "tool_call", "id": "c1", "name": "charge", "args": {}},
]


@pytest.mark.parametrize("block", BLOCKS, ids=lambda block: str(block["type"]))
def test_a_call_that_stands_in_the_content_alone_is_answered(block: dict[str, Any]) -> None:
    assert shape_of(repair_unanswered_tool_calls([HI, AIMessage([block]), HELLO])) == ["human", "ai", "c1", "human"]


def test_an_unreadable_call_is_known_not_to_have_run() -> None:
    _, added = repair_unanswered_tool_calls([AIMessage("", invalid_tool_calls=[invalid_call()])])

    assert added.artifact == {"reason": "invalid_tool_call", "may_have_acted": False}


def test_messages_that_are_no_objects_are_read_and_kept() -> None:
    calls = [{"id": "c1", "type": "function", "function": {"name": "charge", "arguments": "{}"}}]
    asking = {"role": "assistant", "content": "", "tool_calls": calls}
    given: list[Any] = [("user", "pay"), asking, {"role": "user", "content": "hello?"}]
    repaired = repair_unanswered_tool_calls(given)

    assert repaired[:2] == given[:2]
    assert (repaired[2].tool_call_id, repaired[2].status) == ("c1", "error")
    whole: list[Any] = [asking, {"role": "tool", "content": "charged", "tool_call_id": "c1"}]
    assert repair_unanswered_tool_calls(whole) is whole


def test_an_empty_history_is_whole() -> None:
    empty: list[BaseMessage] = []

    assert repair_unanswered_tool_calls(empty) is empty


def test_what_was_given_is_not_changed() -> None:
    broken = [asking_for("charge"), HI]
    repair_unanswered_tool_calls(broken)

    assert broken == [asking_for("charge"), HI]


def no_result(call_id: str) -> ToolMessage:
    return ToolMessage("None.", tool_call_id=call_id, status="error", artifact={"reason": "no_result"})


IDS = ["c1", "c2", "c3"]
MOVES = st.one_of(
    st.just(HI),
    st.just(SystemMessage("be kind")),
    st.lists(st.sampled_from(IDS), unique=True).map(
        lambda ids: AIMessage("", tool_calls=[{"name": "charge", "args": {}, "id": each} for each in ids])
    ),
    st.just(AIMessage("", invalid_tool_calls=[invalid_call()])),
    st.sampled_from([*IDS, "i1"]).map(answer),
    st.sampled_from(IDS).map(no_result),
)


@st.composite
def histories(draw: st.DrawFn) -> list[BaseMessage]:
    """Return messages in any order, except that an answer comes after a call with its id."""
    history: list[BaseMessage] = []
    known: set[str] = set()
    for message in draw(st.lists(MOVES, max_size=20)):
        if isinstance(message, ToolMessage) and message.tool_call_id not in known:
            continue
        if isinstance(message, AIMessage):
            known.update(each["id"] or "" for each in (*message.tool_calls, *message.invalid_tool_calls))
        history.append(message.model_copy(update={"id": f"m{len(history)}"}))
    return history


def is_whole(history: list[Any]) -> bool:
    try:
        check_history(history)
    except ValueError:
        return False
    return True


@given(histories())
def test_every_repaired_history_is_accepted_and_not_changed_again(history: list[BaseMessage]) -> None:
    repaired = repair_unanswered_tool_calls(history)

    check_history(repaired)
    assert repair_unanswered_tool_calls(repaired) is repaired
    assert repair_unanswered_tool_calls(history) == repaired
    assert len({message.id for message in repaired}) == len(repaired)


@given(histories())
def test_a_whole_history_comes_back_as_it_is(history: list[BaseMessage]) -> None:
    assert (repair_unanswered_tool_calls(history) is history) == is_whole(history)


@given(histories())
def test_all_other_messages_keep_their_order(history: list[BaseMessage]) -> None:
    def others(messages: list[Any]) -> list[BaseMessage]:
        return [message for message in messages if not isinstance(message, ToolMessage)]

    assert others(repair_unanswered_tool_calls(history)) == others(history)


@given(histories())
def test_no_call_that_was_answered_loses_its_answer(history: list[BaseMessage]) -> None:
    repaired = repair_unanswered_tool_calls(history)
    given = set(map(id, history))
    made_up = [message for message in repaired if id(message) not in given]
    calls = sum(
        len(message.tool_calls) + len(message.invalid_tool_calls) for message in history if message.type == "ai"
    )
    answered = set()
    asked_by: dict[str, int] = {}
    for position, message in enumerate(history):
        if isinstance(message, AIMessage):
            ids = [each["id"] or "" for each in (*message.tool_calls, *message.invalid_tool_calls)]
            asked_by.update(dict.fromkeys(ids, position))
        elif isinstance(message, ToolMessage):
            answered.add((asked_by[message.tool_call_id], message.tool_call_id))

    assert len(made_up) == calls - len(answered)


@pytest.mark.untraced
def test_ten_times_the_history_takes_ten_times_the_work() -> None:
    few, many = steps_for(2_000), steps_for(20_000)

    assert many <= 10.1 * few  # a finalizer may run in between
    assert few > 2_000


def steps_for(length: int) -> int:
    """Return how many functions are called to repair a history of this length, comparisons included."""
    history = [HI, asking_for("charge", "lookup"), answer("c2"), AIMessage("Hm.")] * (length // 4)
    steps = 0

    def count(_frame: object, event: str, _arg: object) -> None:
        nonlocal steps
        steps += event in ("call", "c_call")

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        repair_unanswered_tool_calls(history)
    finally:
        sys.setprofile(before)
    return steps
