"""How a gate holds calls back, without a graph: the test sets the clock and inspects the waits."""

import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from types import FrameType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools import BudgetPolicy, CircuitPolicy, ErrorCategory, Failure, RetryPolicy
from agent_tools._core.circuit import CircuitState
from agent_tools._core.gate_state import Attempt, Entry
from agent_tools._core.reason import Reason
from agent_tools._flow.steps import Flow, Wait, perform
from agent_tools._gate import gates as gates_module
from agent_tools._gate.gate import Gate, Refusal, Standing
from agent_tools._gate.gates import MOST, Gates
from agent_tools._gate.health import Health

DOWN = Failure(category=ErrorCategory.RETRYABLE, status_code=503)
LIMITED = Failure(category=ErrorCategory.RETRYABLE, status_code=429, throttled=True, retry_after=8.0)
CIRCUIT = CircuitPolicy(jitter=0, spread=1.0)


def steps_of(work: Callable[[], object]) -> int:
    """Return how many bytecode instructions `work` takes, a number that does not depend on the machine."""
    steps = 0

    def trace(frame: FrameType, event: str, _: object) -> Any:
        nonlocal steps
        frame.f_trace_opcodes = True
        steps += event == "opcode"
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        work()
    finally:
        sys.settrace(before)
    return steps


@dataclass(kw_only=True)
class Visitor:
    """A call that wants to make an attempt."""

    policy: RetryPolicy
    began: float
    clock: Callable[[], float]
    draw: Callable[[], float]
    arguments: str | None = None
    is_last_retry: bool = False
    waited_until: float = 0.0


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def gate_of(budget: BudgetPolicy | None, circuit: CircuitPolicy | None, clock: Clock) -> Gate:
    return Gate(Gates(budget=budget, circuit=circuit, clock=clock), "lookup")


def entering(
    gate: Gate, clock: Clock, *, policy: RetryPolicy | None = None, chance: float = 0.5, **known: Any
) -> "Entered":
    visitor = Visitor(policy=policy or RetryPolicy(), began=clock(), clock=clock, draw=lambda: chance, **known)
    return Entered(gate.entering(visitor), clock)


class Entered:
    """Goes through the waits before one attempt, step by step."""

    def __init__(self, steps: Flow[Refusal | Entry], clock: Clock) -> None:
        self._steps, self._clock = steps, clock
        self.said: Refusal | Entry | None = None
        self.held: Wait | None = None
        self._send(None)

    @property
    def seconds(self) -> float:
        """The seconds of the current wait."""
        assert self.held is not None
        return self.held.seconds

    def wait(self) -> None:
        """Let the current wait pass."""
        self._clock.now = max(self._clock.now, self._ends)
        self._send(True)

    def cancel(self) -> None:
        """End the call, as a cancellation does."""
        self._steps.close()

    def wake(self) -> None:
        """Check that the alarm fires, and end the wait."""
        assert self.held is not None
        assert self.held.alarm is not None
        assert self.held.alarm()
        self._send(False)

    def wake_in_vain(self) -> None:
        """Check that the alarm does not fire."""
        assert self.held is not None
        assert self.held.alarm is not None
        assert not self.held.alarm()

    def _send(self, whole: bool | None) -> None:
        try:
            step = self._steps.send(whole)
            assert isinstance(step, Wait)
            self.held, self._ends = step, self._clock.now + step.seconds
        except StopIteration as ended:
            self.held, self.said = None, ended.value


def opened(clock: Clock, circuit: CircuitPolicy = CIRCUIT) -> Gate:
    gate = gate_of(BudgetPolicy(), circuit, clock)
    for _ in range(circuit.failures):
        fail(gate, clock)
    return gate


def fail(
    gate: Gate,
    clock: Clock,
    failure: Failure = DOWN,
    *,
    entry: Entry = Entry.PLAIN,
    arguments: str | None = None,
    retries: bool = False,
    took: float = 0.0,
) -> Standing:
    attempt = Attempt(now=clock(), entry=entry, arguments=arguments, took=took)
    return perform(gate.failed(failure, attempt, longest_wait=120.0, retries=retries))


def succeed(gate: Gate, *, entry: Entry = Entry.PLAIN, repaid: int | None = None) -> None:
    gate.succeeded(Attempt(now=0.0, entry=entry), repaid=repaid)


def release(gate: Gate, *, entry: Entry) -> None:
    gate.released(Attempt(now=0.0, entry=entry))


def paid(gate: Gate, clock: Clock) -> int | None:
    """Return the tokens that a retry takes after a failure that tells nothing about the service."""
    return fail(gate, clock, Failure(category=ErrorCategory.RETRYABLE, status_code=409), retries=True).tokens


def health(gate: Gate) -> Health:
    return gate._gates.health()["lookup"]


def test_a_call_waits_for_the_probe_to_be_due_and_is_the_probe_then() -> None:
    clock = Clock()
    first = entering(opened(clock), clock)
    assert first.held is not None
    assert first.seconds == 0.5
    first.wait()
    assert first.said is Entry.PROBE


def test_all_others_wait_for_the_verdict_and_go_on_with_a_spread() -> None:
    clock = Clock()
    gate = opened(clock)
    probe, other = entering(gate, clock), entering(gate, clock, chance=0.5)
    probe.wait()
    other.wait()
    assert other.held is not None
    assert other.seconds == 2.0  # then the next probe is due, even if this one has not come back
    succeed(gate)
    other.wake()
    assert other.held == Wait(0.25)  # by chance, half of the time that it has waited
    other.wait()
    assert other.said is Entry.PLAIN


def test_calls_wait_as_long_as_it_may_be_a_blip_and_are_then_answered_with_the_seconds_left() -> None:
    clock = Clock()
    gate = opened(clock, CircuitPolicy(jitter=0, patience=1.2))
    for _ in range(2):  # fail at 0.5 and 1.0; the next one is due at 1.5
        probe = entering(gate, clock)
        probe.wait()
        assert probe.said is Entry.PROBE
        fail(gate, clock, entry=Entry.PROBE)
    late = entering(gate, clock)
    assert isinstance(late.said, Refusal)
    assert late.said.reason is Reason.CIRCUIT
    assert (late.said.failure.retry_after, late.said.failure.may_have_acted) == (0.5, False)


def test_nobody_waits_longer_for_a_verdict_than_the_patience_reaches() -> None:
    clock = Clock()
    gate = opened(clock, CircuitPolicy(jitter=0, patience=1.2))
    probe, other = entering(gate, clock), entering(gate, clock)
    probe.wait()
    other.wait()
    other.wait()
    assert clock.now == 1.2
    assert isinstance(other.said, Refusal)


def test_after_a_long_outage_the_first_call_that_comes_is_the_probe() -> None:
    clock = Clock()
    gate = opened(clock)
    clock.now = 3600
    assert entering(gate, clock).said is Entry.PROBE
    assert isinstance(entering(gate, clock).said, Refusal)


def test_a_probe_that_is_canceled_makes_another_call_the_probe() -> None:
    clock = Clock()
    gate = opened(clock)
    probe, other = entering(gate, clock), entering(gate, clock)
    probe.wait()
    other.wait()
    release(gate, entry=Entry.PROBE)
    other.wake()
    assert other.said is Entry.PROBE


@pytest.mark.parametrize("status", [404, 401, 422])
def test_a_probe_that_is_refused_for_its_own_sake_says_that_the_service_is_back(status: int) -> None:
    clock = Clock()
    gate = opened(clock)
    entering(gate, clock).wait()
    fail(gate, clock, Failure(category=ErrorCategory.NON_RETRYABLE, status_code=status), entry=Entry.PROBE)
    assert health(gate).state is CircuitState.CLOSED


def test_what_a_server_asks_of_one_call_holds_for_all() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock, LIMITED)
    newcomer = entering(gate, clock, chance=0.5)
    assert newcomer.seconds == 8.125
    newcomer.wait()
    assert newcomer.said is Entry.PLAIN


def test_many_calls_that_came_at_once_go_on_one_behind_the_other_within_two_seconds() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    first = fail(gate, clock, LIMITED, retries=True)
    crowd = [entering(gate, clock, chance=0) for _ in range(199)]
    assert first.behind == 0
    assert [call.seconds for call in crowd] == pytest.approx([8 + place / 115 for place in range(1, 200)])
    assert 9.5 < crowd[-1].seconds < 10


def test_calls_that_came_over_time_go_on_no_faster_than_a_service_is_known_to_get_them() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock, LIMITED, retries=True)
    goes_on = []
    for number in range(1, 160):
        clock.now = number / 20
        goes_on.append(clock.now + entering(gate, clock, chance=0).seconds)

    assert goes_on == pytest.approx([8 + number / 40 for number in range(1, 160)])


def test_one_of_a_few_calls_is_not_held_back_for_having_come_late() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock, LIMITED, retries=True)
    clock.now = 7.5

    assert clock.now + entering(gate, clock, chance=0).seconds == pytest.approx(8 + 1 / 40)


@pytest.mark.parametrize(
    ("seconds", "pace"), [(9.0, 40), (60.0, 115)], ids=["while they come", "when all were through"]
)
def test_a_server_that_asks_again_is_not_hurried_a_second_time(seconds: float, pace: int) -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock, LIMITED, retries=True)
    for _ in range(199):
        entering(gate, clock)
    clock.now = seconds
    entering(gate, clock)  # it starts, and the gate must still remember those under way
    fail(gate, clock, LIMITED, retries=True)

    again = [entering(gate, clock, chance=0).seconds for _ in range(100)]
    assert again == pytest.approx([8 + number / pace for number in range(1, 101)], abs=0.01)


def test_who_has_waited_for_the_server_is_not_held_back_by_what_it_has_asked_for() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock, LIMITED)
    assert entering(gate, clock, waited_until=8.0).said is Entry.PLAIN  # for example because waits are skipped
    fail(gate, clock, replace(LIMITED, retry_after=20.0))
    assert entering(gate, clock, waited_until=8.0).seconds > 20


def test_a_wait_beyond_what_any_call_would_grant_blocks_nobody() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock, replace(LIMITED, retry_after=121.0))
    assert entering(gate, clock).said is Entry.PLAIN


def test_a_shared_wait_beyond_what_the_policy_grants_is_answered_at_once() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock, LIMITED)
    newcomer = entering(gate, clock, policy=RetryPolicy(max_retry_after=5))
    assert isinstance(newcomer.said, Refusal)
    assert (newcomer.said.reason, newcomer.said.failure.retry_after) == (Reason.RETRY_AFTER, 8.0)


def test_the_budget_lets_a_burst_of_retries_through_and_then_one_for_fourteen_successes() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), None, clock)
    assert [paid(gate, clock) for _ in range(36)] == [14] * 35 + [None]
    for _ in range(4):  # ten tokens were left
        succeed(gate)
    assert paid(gate, clock) == 14
    assert paid(gate, clock) is None


def test_a_retry_that_works_brings_its_price_back() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(tokens=14), None, clock)
    assert paid(gate, clock) == 14
    succeed(gate, repaid=14)
    assert paid(gate, clock) == 14


def test_an_operator_can_read_and_reset_the_state() -> None:
    clock = Clock()
    gate = opened(clock)
    clock.now = 0.2
    seen = health(gate)
    assert (seen.state, seen.failures, seen.retry_tokens) == (CircuitState.OPEN, 5, 500)
    assert seen.probe_in == pytest.approx(0.3)
    gate._gates.reset("another")
    assert health(gate) == seen
    gate._gates.reset("lookup")
    assert gate._gates.health() == {}
    assert gate.is_calm


def test_what_is_calm_again_is_forgotten_at_once() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock)
    for _ in range(200):
        succeed(gate)
    assert gate.is_calm
    assert not gate._gates.by_key


def test_of_very_many_keys_those_that_nobody_has_met_for_the_longest_time_are_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(gates_module, "MOST", 100)
    clock = Clock()
    gates = Gates(budget=BudgetPolicy(), circuit=CIRCUIT, clock=clock)
    for number in range(105):
        fail(Gate(gates, f"tenant {number}"), clock)
        fail(Gate(gates, "busy"), clock)
    assert len(gates.by_key) == 100
    assert "busy" in gates.by_key
    assert "tenant 3" not in gates.by_key


@pytest.mark.untraced  # it sets its own trace function
def test_nothing_takes_longer_with_a_hundred_thousand_keys_than_with_a_hundred() -> None:
    def steps_with(keys: int) -> list[int]:
        clock = Clock()
        gates = Gates(budget=BudgetPolicy(), circuit=CIRCUIT, clock=clock)
        for number in range(keys):
            gate = Gate(gates, f"tenant {number}")
            if number % 10 == 0:
                fail(gate, clock)
            assert gate.is_calm == (number % 10 != 0)
        known, new = Gate(gates, f"tenant {keys - 10}"), Gate(gates, "new")
        assert len(gates.by_key) == keys / 10 <= MOST
        return [
            steps_of(lambda: new.is_calm),
            *(steps_of(lambda: fail(known, clock)) for _ in range(5)),
            steps_of(lambda: entering(known, clock)),
            steps_of(lambda: succeed(known)),
            steps_of(lambda: fail(new, clock)),
        ]

    few, many = steps_with(100), steps_with(100_000)
    assert all(later <= 1.1 * sooner + 20 for sooner, later in zip(few, many, strict=True)), (few, many)


def test_the_next_probe_is_left_to_a_call_with_other_arguments_than_the_last_that_failed() -> None:
    clock = Clock()
    gate = opened(clock)
    fail(gate, clock, entry=Entry.PROBE, arguments="bad")
    same, other = entering(gate, clock, arguments="bad"), entering(gate, clock, arguments="good")
    same.wait()
    assert same.seconds == pytest.approx(0.2)
    other.wait()
    assert other.said is Entry.PROBE


def test_arguments_that_always_fail_hold_back_no_call_with_others() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    for _ in range(5):
        fail(gate, clock, arguments="bad")
    clock.now = 60.0  # far beyond the patience
    fail(gate, clock, entry=Entry.PROBE, arguments="bad")
    assert isinstance(entering(gate, clock, arguments="bad").said, Refusal)
    good, another = entering(gate, clock, arguments="good"), entering(gate, clock, arguments="another")
    assert good.said is Entry.PROBE
    assert another.said is None
    succeed(gate, entry=Entry.PROBE)
    another.wake()
    another.wait()
    assert another.said is Entry.PLAIN


def test_two_failures_in_a_row_are_enough_when_they_last() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    fail(gate, clock)
    clock.now = 0.1
    assert fail(gate, clock).opens_in is None
    clock.now = 0.2
    assert fail(gate, clock).opens_in == pytest.approx(0.5)


def test_the_last_retry_of_a_call_is_no_probe_while_it_may_be_a_blip() -> None:
    clock = Clock()
    gate = opened(clock)
    retry, newcomer = entering(gate, clock, is_last_retry=True), entering(gate, clock)
    assert (retry.seconds, newcomer.seconds) == (3.0, 0.5)
    newcomer.wait()
    assert newcomer.said is Entry.PROBE
    succeed(gate, entry=Entry.PROBE)
    retry.wake()
    retry.wait()
    assert retry.said is Entry.PLAIN


def test_an_outage_that_returns_at_once_is_still_the_same_and_its_patience_does_not_begin_anew() -> None:
    clock = Clock()
    clock.now = 100.0
    gate = opened(clock)
    clock.now = 104.0
    succeed(gate)
    for _ in range(5):
        fail(gate, clock)
    clock.now = 104.4
    waiting = entering(gate, clock)
    waiting.wait()
    assert waiting.said is Entry.PROBE
    fail(gate, clock, entry=Entry.PROBE)
    clock.now = 104.9
    fail(gate, clock, entry=Entry.PROBE)
    assert isinstance(entering(gate, clock).said, Refusal)


def test_what_began_before_the_service_came_back_says_nothing_about_it_now_and_pays_for_its_retry() -> None:
    clock = Clock()
    clock.now = 100.0
    gate = opened(clock)
    clock.now = 100.5
    succeed(gate)
    back = gate.state
    clock.now = 100.6
    for entry in (Entry.PLAIN, Entry.COUNTED, Entry.PROBE):
        for _ in range(20):
            fail(gate, clock, SLOW, entry=entry, took=0.2)
    assert replace(gate.state, budget=None) == replace(back, budget=None)
    assert health(gate).failing == 0.4  # no more than after any outage
    assert fail(gate, clock, retries=True, took=0.2).tokens == 14
    for _ in range(5):
        fail(gate, clock, took=0.1)  # began when the service was back
    assert health(gate).state == "open"
    assert health(gate).failing > 0.4
    fail(gate, clock, took=0.2)
    assert health(gate).failing > 0.4


def test_a_retry_in_an_outage_takes_no_tokens_but_waits_like_a_newcomer() -> None:
    clock = Clock()
    gate = opened(clock)
    for _ in range(50):
        assert fail(gate, clock, retries=True) == Standing(opens_in=0.5, patience=5.0)


@given(st.lists(st.sampled_from(["spend", "repay", "success", "failure"]), max_size=200))
def test_tokens_stay_between_none_and_all(steps: list[str]) -> None:
    clock, taken = Clock(), list[int]()
    gate = gate_of(BudgetPolicy(tokens=50), CIRCUIT, clock)
    for step in steps:
        if step == "spend" and (cost := paid(gate, clock)) is not None:
            taken.append(cost)
        if step == "repay" and taken:
            gate.repay(taken.pop())
        if step == "success":
            succeed(gate)
        if step == "failure":
            fail(gate, clock)
        assert gate.state.budget is None or 0 <= gate.state.budget.tokens <= 50


def test_threads_never_take_more_tokens_than_there_are() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(tokens=1400), None, clock)
    costs: list[int | None] = []
    threads = [threading.Thread(target=lambda: costs.extend(paid(gate, clock) for _ in range(50))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(costs, key=str) == [14] * 100 + [None] * 900


SLOW = Failure(category=ErrorCategory.TIMEOUT)


def overloaded(clock: Clock, *, calls: int = 45) -> Gate:
    """Return the gate of a tool that was overloaded with `calls` under way, and has just answered a probe."""
    gate = gate_of(BudgetPolicy(), CIRCUIT, clock)
    for _ in range(calls):
        fail(gate, clock, SLOW)
    probe = entering(gate, clock)
    probe.wait()
    succeed(gate, entry=Entry.PROBE)
    return gate


def test_after_timeouts_calls_are_let_in_few_at_a_time_and_more_with_each_answer() -> None:
    clock = Clock()
    gate = overloaded(clock)
    first, second, third, fourth = (entering(gate, clock) for _ in range(4))
    assert (first.said, second.said) == (Entry.COUNTED, None)
    succeed(gate, entry=Entry.COUNTED)
    fourth.wake_in_vain()  # there is room for two
    second.wake()
    assert second.said is Entry.COUNTED
    third.wake()
    assert third.said is Entry.COUNTED
    assert fourth.said is None


def test_who_comes_later_does_not_pass_those_who_wait() -> None:
    clock = Clock()
    gate = overloaded(clock)
    entering(gate, clock)
    waiting = entering(gate, clock)
    release(gate, entry=Entry.COUNTED)
    newcomer = entering(gate, clock)
    assert (waiting.said, newcomer.said) == (None, None)
    waiting.wake()
    assert waiting.said is Entry.COUNTED


def test_nobody_waits_for_the_window_beyond_its_patience_and_is_told_that_there_are_too_many() -> None:
    clock = Clock()
    gate = overloaded(clock)
    entering(gate, clock)
    waiting = entering(gate, clock)
    began = clock.now
    waiting.wait()
    assert clock.now == began + CIRCUIT.patience
    assert isinstance(waiting.said, Refusal)
    assert (waiting.said.reason, waiting.said.failure.category) == (Reason.CROWDED, ErrorCategory.TIMEOUT)
    assert waiting.said.failure.retry_after is None


def test_a_call_that_is_canceled_while_it_waits_for_the_window_leaves_the_queue() -> None:
    clock = Clock()
    gate = overloaded(clock)
    entering(gate, clock)
    canceled, waiting = entering(gate, clock), entering(gate, clock)
    canceled.cancel()
    release(gate, entry=Entry.COUNTED)
    waiting.wake()
    assert waiting.said is Entry.COUNTED


def test_a_call_that_times_out_halves_the_window_which_operators_can_read() -> None:
    clock = Clock()
    gate = overloaded(clock)
    for _ in range(9):
        assert entering(gate, clock).said is Entry.COUNTED
        succeed(gate, entry=Entry.COUNTED)
    assert health(gate).window == 10
    for _ in range(3):
        assert entering(gate, clock).said is Entry.COUNTED
    for _ in range(3):  # all failed together
        fail(gate, clock, SLOW, entry=Entry.COUNTED)
    assert health(gate).window == 5
    gate._gates.reset("lookup")
    assert gate.is_calm
    assert gate._gates.health() == {}


def test_when_nobody_has_to_wait_any_more_there_is_no_window() -> None:
    clock = Clock()
    gate = overloaded(clock)
    clock.now += 10.5
    assert entering(gate, clock).said is Entry.COUNTED
    succeed(gate, entry=Entry.COUNTED)
    assert entering(gate, clock).said is Entry.PLAIN


def test_after_errors_that_came_at_once_there_is_none_either() -> None:
    clock = Clock()
    gate = opened(clock)
    entering(gate, clock).wait()
    succeed(gate, entry=Entry.PROBE)
    assert health(gate).window is None


def test_without_a_circuit_nothing_holds_calls_back() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), None, clock)
    for _ in range(45):
        fail(gate, clock, SLOW)
    succeed(gate)
    assert [entering(gate, clock).said for _ in range(3)] == [Entry.PLAIN] * 3


def test_retries_stop_while_two_fifths_of_the_latest_attempts_fail() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), None, clock)
    for _ in range(16):
        fail(gate, clock)
    assert paid(gate, clock) == 14
    fail(gate, clock)
    assert paid(gate, clock) is None
    assert health(gate).failing == pytest.approx(0.42, abs=0.01)
    succeed(gate)
    succeed(gate)
    assert paid(gate, clock) == 14


def test_what_is_no_fault_of_the_service_stops_no_retries() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), None, clock)
    for _ in range(100):
        fail(gate, clock, LIMITED)
    assert health(gate).failing == 0


def test_a_call_that_never_comes_back_does_not_keep_all_others_out_for_ever() -> None:
    clock = Clock()
    gate = overloaded(clock)
    assert entering(gate, clock).said is Entry.COUNTED  # for example in a hanging thread
    clock.now += 9
    waiting = entering(gate, clock)
    assert waiting.said is None
    waiting.wake_in_vain()
    clock.now += 1.5
    waiting.wake()
    assert waiting.said is Entry.COUNTED
    assert entering(gate, clock).said is None  # one more, not all
    succeed(gate, entry=Entry.COUNTED)
    assert entering(gate, clock).said is Entry.COUNTED


@pytest.mark.parametrize("status", [400, 401, 404])
def test_an_answer_that_the_client_is_wrong_lets_more_calls_in_as_well(status: int) -> None:
    clock, wrong = Clock(), Failure(category=ErrorCategory.NON_RETRYABLE, status_code=status)
    gate = overloaded(clock)
    assert entering(gate, clock).said is Entry.COUNTED
    fail(gate, clock, wrong, entry=Entry.COUNTED)
    assert health(gate).window == 2
    clock.now += 10.5
    assert entering(gate, clock).said is Entry.COUNTED
    fail(gate, clock, wrong, entry=Entry.COUNTED)
    assert health(gate).window is None


@pytest.mark.parametrize("failure", [DOWN, LIMITED], ids=["503", "429"])
def test_an_answer_that_the_service_cannot_keep_up_lets_no_more_calls_in(failure: Failure) -> None:
    clock = Clock()
    gate = overloaded(clock)
    assert entering(gate, clock).said is Entry.COUNTED
    fail(gate, clock, failure, entry=Entry.COUNTED)
    assert health(gate).window == 1


def test_there_is_a_window_as_long_as_anybody_waits_for_it() -> None:
    clock = Clock()
    gate = gate_of(BudgetPolicy(), CircuitPolicy(jitter=0, patience=60), clock)
    for _ in range(45):
        fail(gate, clock, SLOW)
    probe = entering(gate, clock)
    probe.wait()
    succeed(gate, entry=Entry.PROBE)
    assert entering(gate, clock).said is Entry.COUNTED
    queue = [entering(gate, clock) for _ in range(50)]
    clock.now += 10.5
    succeed(gate, entry=Entry.COUNTED)
    for waiting in queue[:2]:
        waiting.wake()
        assert waiting.said is Entry.COUNTED
    queue[2].wake_in_vain()


def recovered(clock: Clock, *, size: int) -> Gate:
    """Return the gate of a tool that was overloaded and has recovered, so that its window has this `size`."""
    gate = overloaded(clock)
    for _ in range(size - 1):
        assert entering(gate, clock).said is Entry.COUNTED
        succeed(gate, entry=Entry.COUNTED)
    return gate


def test_calls_that_hang_since_the_outage_keep_nobody_out_after_it() -> None:
    clock = Clock()
    gate = recovered(clock, size=10)
    for _ in range(8):
        assert entering(gate, clock).said is Entry.COUNTED
    for _ in range(5):
        fail(gate, clock, SLOW, entry=Entry.COUNTED)
    probe = entering(gate, clock)
    probe.wait()
    assert probe.said is Entry.PROBE
    succeed(gate, entry=Entry.PROBE)
    assert entering(gate, clock).said is Entry.COUNTED
