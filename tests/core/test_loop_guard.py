"""Which calls the loop guard stops, given a history: tables and properties."""

from collections.abc import Callable, Iterator
from typing import Any, SupportsIndex

import pytest
from hypothesis import given
from hypothesis import strategies as st
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage, SystemMessage, ToolMessage

from agent_tools import LoopGuard
from agent_tools._core.stops import Stop, stopped_calls
from agent_tools._core.turn import HUMAN_DECISION, LOOK_BACK, index_of_call, is_first_of_turn, marked

HUMAN = HumanMessage("where is it?")

#: How a call ended: with an answer of the package, with an error of others, well, not run, or unanswered.
ENDS = "error", "foreign", "success", "not run", "makeshift", "none"


def answer(end: str, call_id: str, text: str | None = None, **facts: Any) -> ToolMessage:
    known: Any = {"category": "retryable", "attempts": 3, "status_code": 503, "may_have_acted": True, **facts}
    if end == "not run":
        known["attempts"] = 0
    if end == "makeshift":
        known = {"reason": "no_result"}
    if end in ("foreign", "success"):
        known = None
    return ToolMessage(
        text or "as it is",
        tool_call_id=call_id,
        status="success" if end == "success" else "error",
        artifact=known,
        additional_kwargs=marked(known, text) if end in ("error", "not run") else {},
    )


def calls(*arguments: Any, tool: str = "lookup") -> AIMessage:
    tool_calls = [{"name": tool, "args": {"order": each}, "id": f"c{n}"} for n, each in enumerate(arguments, start=1)]
    return AIMessage("", tool_calls=tool_calls)


def round_of(*ends: tuple[Any, str], tool: str = "lookup", **facts: Any) -> list[BaseMessage]:
    """Return a message that calls the tool once per outcome, in parallel, and the answers."""
    answers = [answer(end, f"c{n}", **facts) for n, (_, end) in enumerate(ends, start=1) if end != "none"]
    return [calls(*(argument for argument, _ in ends), tool=tool), *answers]


def verdicts(history: list[Any], guard: LoopGuard | None = None) -> dict[str | None, str]:
    return {call_id: str(stop.reason) for call_id, stop in stops(history, guard).items()}


def stops(history: list[Any], guard: LoopGuard | None = None) -> dict[str | None, Stop]:
    index = index_of_call(history, "c1")
    assert index is not None
    return {} if is_first_of_turn(history, index) else stopped_calls(history, index, guard or LoopGuard())


def failed(argument: Any, **facts: Any) -> list[BaseMessage]:
    return round_of((argument, "error"), **facts)


def rejected(argument: Any) -> list[BaseMessage]:
    """A call that a human rejected, as LangChain's middleware answers it."""
    kwargs = {"lc_source": HUMAN_DECISION, "lc_data": {"decision": "reject"}}
    return [calls(argument), ToolMessage("no", tool_call_id="c1", status="error", additional_kwargs=kwargs)]


ONE, TWO, THREE = failed(1), failed(2), failed(3)
WORKED, NOT_RUN = round_of((9, "success")), round_of((1, "not run"))
OTHER_WORKED = round_of((1, "success"), tool="other")
WRONG = {"category": "non_retryable", "status_code": 404}
BUG = {"category": "non_retryable", "status_code": None}
NEW_TURN = [AIMessage("Sorry."), HUMAN]
REPEATED, RUN = {"c1": "repeated"}, dict[str, str]()

HISTORIES = {
    "the first call": ([], RUN),
    "failed once": ([*ONE], RUN),
    "the same call failed twice": ([*ONE, *ONE], REPEATED),
    "others wrote the answers": ([*round_of((1, "foreign"))] * 9, RUN),
    "other arguments between": ([*ONE, *failed(2, **WRONG), *ONE], REPEATED),
    "twice, with other arguments": ([*ONE, *TWO], RUN),
    "the tool was down three times": ([*TWO, *THREE, *failed(4)], REPEATED),
    "a success after it": ([*ONE, *ONE, *WORKED], RUN),
    "a success before it": ([*WORKED, *ONE, *ONE], REPEATED),
    "a success between": ([*TWO, *THREE, *WORKED, *failed(4)], RUN),
    "a success of another tool": ([*ONE, *OTHER_WORKED, *ONE], RUN),
    "a success of another tool that changed nothing": ([*OTHER_WORKED, *ONE, *OTHER_WORKED, *ONE], REPEATED),
    "failures of another tool": ([*failed(1, tool="other")] * 5, RUN),
    "stopped calls are no failures": ([*ONE, *NOT_RUN, *NOT_RUN], RUN),
    "stopped calls are no successes": ([*ONE, *ONE, *NOT_RUN, *NOT_RUN], REPEATED),
    "nobody knows whether they ran": ([*round_of((1, "makeshift"))] * 4, RUN),
    "nobody has answered": ([*round_of((1, "none"))] * 4, RUN),
    "the turn before": ([*ONE, *ONE, *ONE, *NEW_TURN], RUN),
    "a message that the application put behind the answer": ([*ONE, *ONE, HUMAN], REPEATED),
    "several of them": ([*ONE, *ONE, HUMAN, HUMAN], REPEATED),
    "other messages between": ([*ONE, AIMessage("Hm."), SystemMessage("Go on."), *ONE], REPEATED),
    "in parallel, the same": ([*round_of((1, "error"), (1, "error"))], REPEATED),
    "in parallel, different": ([*round_of((2, "error"), (3, "error"), (4, "error"))], RUN),
    "in parallel, three times": ([*round_of((2, "error"), (3, "error"))] * 3, REPEATED),
    "in parallel, one worked": ([*ONE, *round_of((1, "error"), (2, "success"))], RUN),
    "the text of the failure changed": ([*failed(1, text="10 % done"), *failed(1, text="20 % done")], RUN),
    "the text is the same": ([*failed(1, text="10 % done"), *failed(1, text="10 % done")], REPEATED),
    "only the time it took changed": (
        [*failed(1, text="1 failed in 0.1s"), *failed(1, text="1 failed in 0.2s")],
        REPEATED,
    ),
    "the status changed": ([*ONE, *failed(1, status_code=500)], RUN),
    "a human rejected three drafts": ([*rejected(1), *rejected(2), *rejected(3)], RUN),
    "a human decided after it": ([*ONE, *ONE, *rejected(2)], RUN),
    "three that found nothing": ([*failed(2, **WRONG), *failed(3, **WRONG), *failed(4, **WRONG)], RUN),
    "eight that found nothing": ([each for n in range(2, 10) for each in failed(n, **WRONG)], REPEATED),
    "three bugs": ([each for n in range(2, 5) for each in failed(n, **BUG)], REPEATED),
    "three bugs, with a change": ([*failed(2, **BUG), *failed(3, **BUG), *OTHER_WORKED, *failed(4, **BUG)], RUN),
    "down three times, whatever changed": ([*TWO, *THREE, *OTHER_WORKED, *failed(4)], REPEATED),
    "down, then alive, then down": ([*TWO, *failed(3, **WRONG), *failed(4), *failed(5)], RUN),
}


@pytest.mark.parametrize(("turn", "expected"), HISTORIES.values(), ids=HISTORIES)
def test_what_failed_in_this_turn_decides(turn: list[Any], expected: dict[str, str]) -> None:
    assert verdicts([HUMAN, *turn, calls(1)]) == expected
    assert verdicts([*turn, calls(1)]) == expected


@pytest.mark.parametrize(("url", "expected"), [("http://alive.example/", RUN), ("http://DOWN.example/4", REPEATED)])
def test_a_dead_host_stops_no_calls_to_another(url: str, expected: dict[str, str]) -> None:
    turn = [each for n in range(3) for each in failed(f"http://down.example/{n}")]

    assert verdicts([HUMAN, *turn, calls(url)]) == expected


def test_facts_of_version_0_1_0_count_without_a_mark() -> None:
    unmarked = [
        message.model_copy(update={"additional_kwargs": {}}) if isinstance(message, ToolMessage) else message
        for message in [*ONE, *ONE]
    ]
    assert verdicts([HUMAN, *unmarked, calls(1)]) == REPEATED


def test_two_calls_with_one_id_have_an_answer_each() -> None:
    both = AIMessage("", tool_calls=calls(1).tool_calls * 2)

    assert verdicts([HUMAN, both, answer("error", "c1"), answer("error", "c1"), calls(1)]) == REPEATED


def test_arguments_are_the_same_in_any_order() -> None:
    def ask(arguments: dict[str, Any]) -> AIMessage:
        return AIMessage("", tool_calls=[{"name": "lookup", "args": arguments, "id": "c1"}])

    history = [HUMAN, ask({"a": {"x": 1, "y": [2]}, "b": 0}), answer("error", "c1")] * 2
    assert verdicts([HUMAN, *history[1:3], *history[1:3], ask({"b": 0, "a": {"y": [2], "x": 1}})]) == REPEATED
    assert verdicts([HUMAN, *history[1:3], *history[1:3], ask({"b": 0, "a": {"y": [3], "x": 1}})]) == RUN


def test_arguments_that_no_json_has_are_compared_all_the_same() -> None:
    def ask(arguments: dict[Any, Any]) -> AIMessage:
        return AIMessage.model_construct(
            content="", tool_calls=[{"name": "lookup", "args": arguments, "id": "c1"}], type="ai"
        )

    history = [ask({1: "a", "b": 2}), answer("error", "c1")] * 2
    assert verdicts([HUMAN, *history, ask({1: "a", "b": 2})]) == REPEATED
    assert verdicts([HUMAN, *history, ask({1: "a", "b": 3})]) == RUN


def test_calls_of_one_message_are_judged_each_for_itself_and_never_by_each_other() -> None:
    asking = AIMessage("", tool_calls=[*calls(1, 1, 2).tool_calls, {"name": "other", "args": {}, "id": "c4"}])

    assert verdicts([HUMAN, *ONE, *ONE, asking]) == {"c1": "repeated", "c2": "repeated"}
    assert verdicts([HUMAN, *ONE, asking, answer("error", "c2"), answer("error", "c3")]) == RUN


REFUSED = round_of((1, "error"), category="auth_failure", status_code=401, may_have_acted=False)
REFUSED_OTHERS = round_of((2, "error"), category="auth_failure", status_code=401, may_have_acted=False)


@pytest.mark.parametrize(
    ("turn", "expected"),
    [
        (REFUSED, {"c1": "stopped"}),
        ([*REFUSED, *TWO], {"c1": "stopped"}),
        ([*REFUSED, *NOT_RUN, *NOT_RUN], {"c1": "stopped"}),
        (REFUSED_OTHERS, RUN),
        (REFUSED_OTHERS * 8, REPEATED),
        ([*REFUSED, *WORKED], RUN),
        ([*REFUSED, *OTHER_WORKED], RUN),
        ([*REFUSED, *NEW_TURN], RUN),
        (round_of((1, "error"), category="auth_failure", tool="other"), RUN),
    ],
)
def test_refused_credentials_stop_the_same_arguments_until_something_works(
    turn: list[Any], expected: dict[str, str]
) -> None:
    assert verdicts([HUMAN, *turn, calls(1)]) == expected


@pytest.mark.parametrize(
    ("guard", "rounds", "expected"),
    [
        (LoopGuard(same_call=1), 1, REPEATED),
        (LoopGuard(same_call=3), 2, RUN),
        (LoopGuard(same_call=None), 2, RUN),
        (LoopGuard(same_call=None), 3, REPEATED),
        (LoopGuard(same_call=None, same_tool=None), 50, REPEATED),
        (LoopGuard(same_call=None, same_tool=None, corrections=None), 50, RUN),
    ],
)
def test_limits_are_configured(guard: LoopGuard, rounds: int, expected: dict[str, str]) -> None:
    assert verdicts([HUMAN, *ONE * rounds, calls(1)], guard) == expected


def test_a_refusal_stops_nothing_where_credentials_can_be_renewed() -> None:
    assert verdicts([HUMAN, *REFUSED, calls(1)], LoopGuard(auth_failure=False)) == RUN


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"same_call": 0}, ValueError, "same_call must be at least 1, not 0"),
        ({"same_tool": -1}, ValueError, "same_tool must be at least 1, not -1"),
        ({"same_tool": 2.5}, TypeError, "same_tool must be a whole number, at least 1, not 2.5"),
        ({"same_call": True}, TypeError, "same_call must be a whole number, at least 1, not True"),
        ({"auth_failure": "no"}, TypeError, "auth_failure must be True or False, not 'no'"),
    ],
)
def test_nonsense_is_refused(options: dict[str, Any], error: type[Exception], said: str) -> None:
    with pytest.raises(error, match=said):
        LoopGuard(**options)


def test_what_is_known_of_the_failure_comes_along() -> None:
    stop = stops([HUMAN, *failed(1, status_code=500, error_type="HTTPStatusError") * 2, calls(1)])["c1"]

    assert (stop.times, stop.same_call) == (2, True)
    assert (str(stop.failure.category), stop.failure.status_code) == ("retryable", 500)
    assert (stop.failure.error_type, stop.failure.may_have_acted) == ("HTTPStatusError", False)


def test_that_earlier_calls_may_have_acted_is_not_said_of_this_one() -> None:
    stop = stops([HUMAN, *TWO, *TWO, *THREE, calls(1)])["c1"]

    assert (stop.times, stop.same_call, stop.failure.may_have_acted) == (3, False, False)


@pytest.mark.parametrize("data", [None, "text", {}, {"category": "no such"}, {"category": 7, "status_code": "x"}])
def test_marks_that_others_have_broken_are_read_as_far_as_they_go(data: Any) -> None:
    kwargs = {"lc_source": "agent_tools", "lc_data": data}
    wrote = ToolMessage("no", tool_call_id="c1", status="error", additional_kwargs=kwargs)
    stop = stops([HUMAN, *[calls(1), wrote] * 2, calls(1)])["c1"]

    assert (str(stop.failure.category), stop.failure.status_code) == ("non_retryable", None)


def test_chunks_and_foreign_things_in_the_history_are_read_as_what_they_are() -> None:
    asking = AIMessageChunk("", tool_calls=calls(1).tool_calls)
    history = [HUMAN, {"role": "user"}, asking, answer("error", "c1"), None, asking, answer("error", "c1"), asking]

    assert verdicts(history) == REPEATED


class Counted(list[Any]):
    """A list that counts how often it is indexed, and refuses to be iterated or copied."""

    looks = 0

    def __getitem__(self, index: SupportsIndex | slice) -> Any:
        assert not isinstance(index, slice)
        self.looks += 1
        return super().__getitem__(index)

    def __iter__(self) -> Iterator[Any]:
        raise AssertionError("the whole history was walked")

    __reversed__: Callable[..., Any] = __iter__


@pytest.mark.parametrize("length", [10, 1_000, 100_000])
def test_the_first_calls_of_a_turn_look_at_three_messages_whatever_the_history(length: int) -> None:
    history = Counted([*ONE * (length // 2), *NEW_TURN, calls(1, 2, 3)])

    assert verdicts(history) == RUN
    assert history.looks == 3


@pytest.mark.parametrize("length", [1_000, 100_000])
def test_a_turn_without_end_is_looked_at_within_limits(length: int) -> None:
    history = Counted([*round_of((1, "error"), tool="other") * (length // 2), calls(1)])

    assert verdicts(history) == RUN
    assert history.looks <= 3 * LOOK_BACK


def test_failures_further_back_than_the_limit_do_not_count() -> None:
    between = [SystemMessage("tick")] * (LOOK_BACK - 4)

    assert verdicts([*ONE, *ONE, *between[1:], calls(1)]) == REPEATED
    assert verdicts([*ONE, *ONE, *between, calls(1)]) == RUN


def test_a_call_that_no_message_near_the_end_makes_is_not_found() -> None:
    assert index_of_call([], "c1") is None
    assert index_of_call([HUMAN, calls(1)], "c2") is None
    assert index_of_call([calls(1), *[HUMAN] * LOOK_BACK], "c1") is None


def test_walking_back_ends_where_every_tool_in_question_has_worked() -> None:
    history = Counted([HUMAN, *ONE * 50, *WORKED, calls(1)])

    assert verdicts(history) == RUN
    assert history.looks <= 16


rounds = st.lists(
    st.lists(st.tuples(st.integers(1, 3), st.sampled_from(ENDS)), min_size=1, max_size=3), max_size=6
).map(lambda drawn: [message for ends in drawn for message in round_of(*ends)])


@pytest.mark.untraced
@given(before=rounds, turn=rounds)
def test_what_was_before_the_last_human_message_changes_nothing(before: list[Any], turn: list[Any]) -> None:
    assert stops([*before, *NEW_TURN, *turn, calls(1, 2)]) == stops([HUMAN, *turn, calls(1, 2)])


@pytest.mark.untraced
@given(turn=rounds)
def test_what_is_stopped_stays_stopped_for_the_turn(turn: list[Any]) -> None:
    before = verdicts([HUMAN, *turn, calls(1)])

    assert verdicts([HUMAN, *turn, *NOT_RUN, calls(1)]) == before


@pytest.mark.untraced
@given(turn=rounds)
def test_a_success_lets_everything_run_again(turn: list[Any]) -> None:
    assert verdicts([HUMAN, *turn, *WORKED, calls(1, 2, 3)]) == RUN


@given(turn=rounds)
def test_one_more_failure_never_frees_a_call(turn: list[Any]) -> None:
    if verdicts([HUMAN, *turn, calls(1)]):
        assert verdicts([HUMAN, *turn, *ONE, calls(1)])


@pytest.mark.untraced
@given(turn=rounds)
def test_the_histories_that_the_guard_writes_are_bounded(turn: list[Any]) -> None:
    """However a turn begins: if the model never stops, each call runs at most twice and the tool three times."""
    history, run = [HUMAN, *turn], 0
    for argument in [1, 1, 1, 2, 2, 2, 3, 4, 5]:
        stopped = verdicts([*history, calls(argument)])
        history += NOT_RUN if stopped else failed(argument)
        run += not stopped
    assert run <= 3
