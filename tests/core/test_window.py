"""How many calls may be under way after an outage of timeouts, as a table of transitions."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools._core.window import (
    LEAST,
    QUIET,
    STALLED,
    Window,
    after_answer,
    after_timeout,
    awaited,
    entered,
    left,
    opened,
)


def window(
    size: float, *, threshold: float = 20, under_way: int = 1, needed_at: float = 0, halved: bool = False
) -> Window:
    return Window(
        size=size, threshold=threshold, under_way=under_way, needed_at=needed_at, entered_at=needed_at, halved=halved
    )


@pytest.mark.parametrize(
    ("before", "timed_out", "after"),
    [
        (None, 0, None),
        (None, 2, Window(size=1, threshold=LEAST, needed_at=7, entered_at=7)),
        (None, 120, Window(size=1, threshold=60, needed_at=7, entered_at=7)),
        (window(40, threshold=30, under_way=3), 120, window(1, threshold=30, under_way=0, needed_at=7)),
    ],
    ids=["what refuses has no queue", "a few timed out", "many timed out", "there was a window already"],
)
def test_it_opens_at_one_after_timeouts(before: Window | None, timed_out: int, after: Window | None) -> None:
    assert opened(before, timed_out=timed_out, now=7) == after


@pytest.mark.parametrize(
    ("size", "grown"), [(1, 2), (19, 20), (20, 20.05), (50, 50.02)], ids=["fast", "to the threshold", "slow", "slower"]
)
def test_it_grows_with_each_call_that_works(size: float, grown: float) -> None:
    after = after_answer(window(size, under_way=5), now=1)
    assert after is not None
    assert (after.size, after.under_way) == (pytest.approx(grown), 4)


def test_it_is_halved_once_until_a_call_works_again() -> None:
    halved = after_timeout(window(40, under_way=9))
    assert (halved.size, halved.threshold, halved.under_way) == (20, 20, 8)
    again = after_timeout(halved)
    assert (again.size, again.under_way) == (20, 7)
    works = after_answer(again, now=1)
    assert works is not None
    assert after_timeout(works).size == pytest.approx(10, abs=0.1)


def test_it_never_shuts() -> None:
    assert after_timeout(window(1)).size == 1
    assert after_timeout(window(1.5)).size == 1


def test_it_goes_when_no_call_has_had_to_wait_for_a_while() -> None:
    assert after_answer(window(5, needed_at=0), now=QUIET) is not None
    assert after_answer(window(5, needed_at=0), now=QUIET + 0.1) is None
    assert after_answer(awaited(window(5), now=8), now=QUIET + 0.1) is not None


def test_what_is_free_is_a_whole_number_of_calls() -> None:
    assert window(3.9, under_way=1).free(now=0) == 2
    assert window(2, under_way=5).free(now=0) == 0
    assert entered(window(2, under_way=1), now=0).free(now=0) == 0
    assert left(window(2, under_way=1)).free(now=0) == 2


def test_one_more_call_is_free_when_none_has_begun_for_a_while() -> None:
    stalled = window(2, under_way=5)
    assert stalled.free(now=STALLED) == 0
    assert stalled.free(now=STALLED + 0.1) == 1
    assert entered(stalled, now=STALLED + 0.1).free(now=STALLED + 0.1) == 0
    assert window(4, under_way=1).free(now=STALLED + 0.1) == 3


@given(st.lists(st.sampled_from(["enter", "work", "time out", "leave"]), max_size=200))
def test_calls_under_way_are_never_fewer_than_none_nor_the_window_less_than_one(steps: list[str]) -> None:
    state = window(1, under_way=0)
    for step in steps:
        if step == "enter" and state.free(now=0):
            state = entered(state, now=0)
        if step == "work":
            state = after_answer(state, now=0) or state
        if step == "time out":
            state = after_timeout(state)
        if step == "leave":
            state = left(state)
        assert state.under_way >= 0
        assert state.size >= 1
