"""What calls gate, without a graph: the clock is a number, the waits are read off."""

import threading
from collections.abc import Callable, Generator
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from agent_tools import BudgetPolicy, CircuitPolicy, ErrorCategory, Failure, RetryPolicy
from agent_tools._core.circuit import CircuitState
from agent_tools._core.decision import Reason
from agent_tools._gate.gate import Entry, Gate, Hold, Refusal
from agent_tools._gate.gates import Gates

DOWN = Failure(category=ErrorCategory.RETRYABLE, status_code=503)
LIMITED = Failure(category=ErrorCategory.RETRYABLE, status_code=429, throttled=True, retry_after=8.0)
CIRCUIT = CircuitPolicy(jitter=0, spread=1.0)


@dataclass(frozen=True, kw_only=True)
class Visitor:
    """A call that wants to make an attempt."""

    policy: RetryPolicy
    began: float
    clock: Callable[[], float]
    draw: Callable[[], float]


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def entering(gate: Gate, clock: Clock, *, policy: RetryPolicy | None = None, chance: float = 0.5) -> "Entered":
    visitor = Visitor(policy=policy or RetryPolicy(), began=clock(), clock=clock, draw=lambda: chance)
    return Entered(gate.entering(visitor), clock)


class Entered:
    """Walks through the waits before one attempt."""

    def __init__(self, steps: Generator[Hold, bool | None, Refusal | Entry], clock: Clock) -> None:
        self._steps, self._clock = steps, clock
        self.said: Refusal | Entry | None = None
        self.held: Hold | None = None
        self._send(None)

    def wait(self) -> None:
        """Let the whole wait pass."""
        self._clock.now = max(self._clock.now, self._ends)
        self._send(True)

    def cancel(self) -> None:
        """End it, as a call that is canceled does."""
        self._steps.close()

    def wake(self) -> None:
        """Cut the wait short, since its alarm says so."""
        assert self.held is not None
        assert self.held.changed is not None
        assert self.held.changed()
        self._send(False)

    def wake_in_vain(self) -> None:
        """See that its alarm does not say so."""
        assert self.held is not None
        assert self.held.changed is not None
        assert not self.held.changed()

    def _send(self, whole: bool | None) -> None:
        try:
            self.held = self._steps.send(whole)
            self._ends = self._clock.now + self.held.seconds
        except StopIteration as ended:
            self.held, self.said = None, ended.value


def opened(clock: Clock, circuit: CircuitPolicy = CIRCUIT) -> Gate:
    gate = Gate(BudgetPolicy(), circuit)
    for _ in range(circuit.failures):
        fail(gate, clock)
    return gate


def fail(
    gate: Gate,
    clock: Clock,
    failure: Failure = DOWN,
    *,
    entry: Entry = Entry.PLAIN,
    share_wait: bool = False,
) -> None:
    gate.failed(failure, now=clock(), chance=0, entry=entry, share_wait=share_wait)


def succeed(gate: Gate, *, entry: Entry = Entry.PLAIN, repaid: int | None = None, now: float = 0.0) -> None:
    gate.succeeded(now=now, entry=entry, repaid=repaid)


def test_a_call_waits_for_the_probe_to_be_due_and_is_the_probe_then() -> None:
    clock = Clock()
    first = entering(opened(clock), clock)
    assert first.held is not None
    assert first.held.seconds == 0.5
    first.wait()
    assert first.said is Entry.PROBE


def test_all_others_wait_for_the_verdict_and_go_on_with_a_spread() -> None:
    clock = Clock()
    gate = opened(clock)
    probe, other = entering(gate, clock), entering(gate, clock, chance=0.5)
    probe.wait()
    other.wait()
    assert other.held is not None
    assert other.held.seconds == 2.0  # then the next probe is due, even if this one has not come back
    succeed(gate)
    other.wake()
    assert other.held == Hold(0.25)  # by chance, half of the time that it has waited
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
    gate.given_back(now=clock(), entry=Entry.PROBE)
    other.wake()
    assert other.said is Entry.PROBE


@pytest.mark.parametrize("status", [404, 401, 422])
def test_a_probe_that_is_refused_for_its_own_sake_says_that_the_service_is_back(status: int) -> None:
    clock = Clock()
    gate = opened(clock)
    entering(gate, clock).wait()
    fail(gate, clock, Failure(category=ErrorCategory.NON_RETRYABLE, status_code=status), entry=Entry.PROBE)
    assert gate.health(now=clock()).state is CircuitState.CLOSED


def test_what_a_server_asks_of_one_call_holds_for_all_if_wished() -> None:
    clock = Clock()
    gate = Gate(BudgetPolicy(), CIRCUIT)
    fail(gate, clock, LIMITED)
    assert entering(gate, clock).said is Entry.PLAIN
    fail(gate, clock, LIMITED, share_wait=True)
    newcomer = entering(gate, clock, chance=0.25)
    assert newcomer.held is not None
    assert newcomer.held.seconds == 8
    newcomer.wait()
    assert newcomer.held == Hold(0.5)  # a quarter of the spread behind a Retry-After
    newcomer.wait()
    assert newcomer.said is Entry.PLAIN


def test_many_calls_that_were_held_back_go_on_at_a_pace() -> None:
    clock = Clock()
    gate = Gate(BudgetPolicy(), CIRCUIT)
    fail(gate, clock, LIMITED, share_wait=True)
    crowd = [entering(gate, clock, chance=1) for _ in range(100)]
    for call in crowd:
        call.wait()
    assert {call.held.seconds for call in crowd if call.held is not None} == {4.0}  # 100 calls, 25 a second


def test_calls_that_are_canceled_while_they_are_held_back_slow_nobody_down() -> None:
    clock = Clock()
    gate = Gate(BudgetPolicy(), CIRCUIT)
    fail(gate, clock, LIMITED, share_wait=True)
    for _ in range(100):
        entering(gate, clock).cancel()
    last = entering(gate, clock, chance=1)
    last.wait()
    assert last.held == Hold(2.0)


def test_a_shared_wait_beyond_what_the_policy_grants_is_answered_at_once() -> None:
    clock = Clock()
    gate = Gate(BudgetPolicy(), CIRCUIT)
    fail(gate, clock, LIMITED, share_wait=True)
    newcomer = entering(gate, clock, policy=RetryPolicy(max_retry_after=5))
    assert isinstance(newcomer.said, Refusal)
    assert (newcomer.said.reason, newcomer.said.failure.retry_after) == (Reason.RETRY_AFTER, 8.0)


def test_the_budget_lets_a_burst_of_retries_through_and_then_one_for_fourteen_successes() -> None:
    gate = Gate(BudgetPolicy(), None)
    assert [gate.spent(DOWN) for _ in range(36)] == [14] * 35 + [None]
    for _ in range(4):  # ten tokens were left
        succeed(gate)
    assert gate.spent(DOWN) == 14
    assert gate.spent(DOWN) is None


def test_a_retry_that_works_brings_its_price_back() -> None:
    gate = Gate(BudgetPolicy(tokens=14), None)
    assert gate.spent(DOWN) == 14
    succeed(gate, repaid=14)
    assert gate.spent(DOWN) == 14


def test_an_operator_can_read_and_reset_the_state() -> None:
    clock = Clock()
    gates = Gates(budget=BudgetPolicy(), circuit=CIRCUIT)
    gate = gates.gate("get_order")
    for _ in range(5):
        fail(gate, clock)
    gate.spent(DOWN)
    seen = gates.health(now=0.2)["get_order"]
    assert (seen.state, seen.failures, seen.retry_tokens) == (CircuitState.OPEN, 5, 486)
    assert seen.probe_in == pytest.approx(0.3)
    gates.reset("another")
    assert gates.health(now=0.2)["get_order"] == seen
    gates.reset("get_order")
    assert gates.health(now=0.2)["get_order"].state is CircuitState.CLOSED
    assert gate.is_calm


def test_keys_with_nothing_to_tell_are_forgotten_when_there_are_many() -> None:
    gates = Gates(budget=BudgetPolicy(), circuit=CIRCUIT)
    busy = gates.gate("busy")
    fail(busy, Clock())
    for number in range(5000):
        gates.gate(f"tenant {number}")
    assert len(gates.by_key) <= 1001
    assert gates.gate("busy") is busy


@given(st.lists(st.sampled_from(["spend", "repay", "success", "failure"]), max_size=200))
def test_tokens_stay_between_none_and_all(steps: list[str]) -> None:
    clock, gate, taken = Clock(), Gate(BudgetPolicy(tokens=50), CIRCUIT), []
    for step in steps:
        if step == "spend" and (cost := gate.spent(DOWN)) is not None:
            taken.append(cost)
        if step == "repay" and taken:
            gate.repaid(taken.pop())
        if step == "success":
            succeed(gate)
        if step == "failure":
            fail(gate, clock)
        tokens = gate.health(now=0).retry_tokens
        assert tokens is not None
        assert 0 <= tokens <= 50


def test_threads_never_take_more_tokens_than_there_are() -> None:
    gate = Gate(BudgetPolicy(tokens=1400), None)
    costs: list[int | None] = []
    threads = [threading.Thread(target=lambda: costs.extend(gate.spent(DOWN) for _ in range(50))) for _ in range(20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(costs, key=str) == [14] * 100 + [None] * 900


SLOW = Failure(category=ErrorCategory.TIMEOUT)


def drowned(clock: Clock, *, calls: int = 45) -> Gate:
    """Return the share of a tool that was overloaded, with so many calls under way, and has just answered a probe."""
    gate = Gate(BudgetPolicy(), CIRCUIT)
    for _ in range(calls):
        fail(gate, clock, SLOW)
    probe = entering(gate, clock)
    probe.wait()
    succeed(gate, entry=Entry.PROBE, now=clock())
    return gate


def test_after_timeouts_calls_are_let_in_few_at_a_time_and_more_with_each_answer() -> None:
    clock = Clock()
    gate = drowned(clock)
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
    gate = drowned(clock)
    entering(gate, clock)
    waiting = entering(gate, clock)
    gate.given_back(now=clock(), entry=Entry.COUNTED)
    newcomer = entering(gate, clock)
    assert (waiting.said, newcomer.said) == (None, None)
    waiting.wake()
    assert waiting.said is Entry.COUNTED


def test_nobody_waits_for_the_window_beyond_its_patience_and_is_told_that_there_are_too_many() -> None:
    clock = Clock()
    gate = drowned(clock)
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
    gate = drowned(clock)
    entering(gate, clock)
    canceled, waiting = entering(gate, clock), entering(gate, clock)
    canceled.cancel()
    gate.given_back(now=clock(), entry=Entry.COUNTED)
    waiting.wake()
    assert waiting.said is Entry.COUNTED


def test_a_call_that_times_out_halves_the_window_which_operators_can_read() -> None:
    clock = Clock()
    gate = drowned(clock)
    for _ in range(9):
        assert entering(gate, clock).said is Entry.COUNTED
        succeed(gate, entry=Entry.COUNTED)
    assert gate.health(now=0).window == 10
    for _ in range(3):
        assert entering(gate, clock).said is Entry.COUNTED
    for _ in range(3):  # all of them went down together
        fail(gate, clock, SLOW, entry=Entry.COUNTED)
    assert gate.health(now=0).window == 5
    gate.reset()
    assert gate.health(now=0).window is None


def test_when_nobody_has_to_wait_any_more_there_is_no_window() -> None:
    clock = Clock()
    gate = drowned(clock)
    clock.now += 10.5
    assert entering(gate, clock).said is Entry.COUNTED
    succeed(gate, entry=Entry.COUNTED, now=clock())
    assert entering(gate, clock).said is Entry.PLAIN


def test_after_errors_that_came_at_once_there_is_none_either() -> None:
    clock = Clock()
    gate = opened(clock)
    entering(gate, clock).wait()
    succeed(gate, entry=Entry.PROBE)
    assert gate.health(now=0).window is None


def test_without_a_circuit_nothing_holds_calls_back() -> None:
    clock, gate = Clock(), Gate(BudgetPolicy(), None)
    for _ in range(45):
        fail(gate, clock, SLOW)
    succeed(gate)
    assert [entering(gate, clock).said for _ in range(3)] == [Entry.PLAIN] * 3


def test_retries_stop_while_two_fifths_of_the_latest_attempts_fail() -> None:
    clock, gate = Clock(), Gate(BudgetPolicy(), None)
    for _ in range(16):
        fail(gate, clock)
    assert gate.spent(DOWN) == 14
    fail(gate, clock)
    assert gate.spent(DOWN) is None
    assert gate.health(now=0).failing == pytest.approx(0.42, abs=0.01)
    succeed(gate)
    succeed(gate)
    assert gate.spent(DOWN) == 14


def test_what_is_no_fault_of_the_service_stops_no_retries() -> None:
    clock, gate = Clock(), Gate(BudgetPolicy(), None)
    for _ in range(100):
        fail(gate, clock, LIMITED)
    assert gate.health(now=0).failing == 0


def test_a_call_that_never_comes_back_does_not_keep_all_others_out_for_ever() -> None:
    clock = Clock()
    gate = drowned(clock)
    assert entering(gate, clock).said is Entry.COUNTED  # in a thread that hangs, say
    clock.now += 9
    waiting = entering(gate, clock)
    assert waiting.said is None
    waiting.wake_in_vain()
    clock.now += 1.5
    waiting.wake()
    assert waiting.said is Entry.COUNTED
    assert entering(gate, clock).said is None  # one more, not all
    succeed(gate, entry=Entry.COUNTED, now=clock())
    assert entering(gate, clock).said is Entry.COUNTED


@pytest.mark.parametrize("status", [400, 401, 404])
def test_an_answer_that_the_client_is_wrong_lets_more_calls_in_as_well(status: int) -> None:
    clock, wrong = Clock(), Failure(category=ErrorCategory.NON_RETRYABLE, status_code=status)
    gate = drowned(clock)
    assert entering(gate, clock).said is Entry.COUNTED
    fail(gate, clock, wrong, entry=Entry.COUNTED)
    assert gate.health(now=clock()).window == 2
    clock.now += 10.5
    assert entering(gate, clock).said is Entry.COUNTED
    fail(gate, clock, wrong, entry=Entry.COUNTED)
    assert gate.health(now=clock()).window is None


@pytest.mark.parametrize("failure", [DOWN, LIMITED], ids=["503", "429"])
def test_an_answer_that_the_service_cannot_keep_up_lets_no_more_calls_in(failure: Failure) -> None:
    clock = Clock()
    gate = drowned(clock)
    assert entering(gate, clock).said is Entry.COUNTED
    fail(gate, clock, failure, entry=Entry.COUNTED)
    assert gate.health(now=clock()).window == 1


def test_there_is_a_window_as_long_as_anybody_waits_for_it() -> None:
    clock = Clock()
    gate = Gate(BudgetPolicy(), CircuitPolicy(jitter=0, patience=60))
    for _ in range(45):
        fail(gate, clock, SLOW)
    probe = entering(gate, clock)
    probe.wait()
    succeed(gate, entry=Entry.PROBE, now=clock())
    assert entering(gate, clock).said is Entry.COUNTED
    queue = [entering(gate, clock) for _ in range(50)]
    clock.now += 10.5
    succeed(gate, entry=Entry.COUNTED, now=clock())
    for waiting in queue[:2]:
        waiting.wake()
        assert waiting.said is Entry.COUNTED
    queue[2].wake_in_vain()


def grown(clock: Clock, *, size: int) -> Gate:
    """Return the share of a tool that has drowned and been back for so many calls that its window has that `size`."""
    gate = drowned(clock)
    for _ in range(size - 1):
        assert entering(gate, clock).said is Entry.COUNTED
        succeed(gate, entry=Entry.COUNTED, now=clock())
    return gate


def test_calls_that_hang_since_the_outage_keep_nobody_out_after_it() -> None:
    clock = Clock()
    gate = grown(clock, size=10)
    for _ in range(8):
        assert entering(gate, clock).said is Entry.COUNTED
    for _ in range(5):
        fail(gate, clock, SLOW, entry=Entry.COUNTED)
    probe = entering(gate, clock)
    probe.wait()
    assert probe.said is Entry.PROBE
    succeed(gate, entry=Entry.PROBE, now=clock())
    assert entering(gate, clock).said is Entry.COUNTED
