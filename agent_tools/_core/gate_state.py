"""The state of a gate, and how it changes: each change is a pure function from one state to the next.

So a store needs only one operation, to change this state, whether it is a lock in this process or a server for many.
"""

from dataclasses import dataclass, replace
from enum import Enum, auto

from agent_tools._core import budget as budgets
from agent_tools._core import circuit as circuits
from agent_tools._core import window as windows
from agent_tools._core.budget import Budget
from agent_tools._core.circuit import CLOSED, Circuit, CircuitState, is_counted
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.gate_policies import BudgetPolicy, CircuitPolicy
from agent_tools._core.window import Window


class Entry(Enum):
    """How an attempt was let in."""

    PROBE = auto()
    """It finds out for all calls whether the tool is back."""
    COUNTED = auto()
    """It counts as one of the calls that the window lets in at the same time."""
    PLAIN = auto()


@dataclass(frozen=True, slots=True, kw_only=True)
class GateState:
    """What is known about the calls of one key; all times are by the caller's clock.

    Attributes:
        budget: The retry budget; None while nothing has failed, and when there is none.
        circuit: Whether the tool is down.
        window: How many calls may be under way, None for any number.
        timed_out: Calls that timed out in this outage and had begun before it.
        blocked_until: When the wait that the server asked for ends.
        expected: How many calls come back then.
        waiting_since: When the first of them began to wait.
        tools: The tools that the server asked to wait, for workers that have not called this server yet.
        failure: The last failure that says that the service is down or asks to wait.
    """

    budget: Budget | None = None
    circuit: Circuit = CLOSED
    window: Window | None = None
    timed_out: int = 0
    blocked_until: float = 0.0
    expected: int = 0
    waiting_since: float = 0.0
    tools: tuple[str, ...] = ()
    failure: Failure | None = None

    def is_open(self, now: float) -> bool:
        """Return whether nothing holds calls back."""
        return self.circuit.state is CircuitState.CLOSED and self.window is None and now >= self.blocked_until


CALM = GateState()


@dataclass(frozen=True, slots=True)
class Rules:
    """The policies behind the changes; None for a part that is switched off."""

    budget: BudgetPolicy | None
    circuit: CircuitPolicy | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Attempt:
    """One attempt, as the others see it.

    Attributes:
        now: The current time.
        chance: A random number from 0 up to 1.
        entry: How it was let in.
        arguments: A digest of its arguments; None when unknown.
        others_wait: Whether other calls wait for the window.
        is_retry: Whether it is not the first attempt of its call.
        took: Seconds from its beginning until now.
    """

    now: float
    chance: float = 0.0
    entry: Entry = Entry.PLAIN
    arguments: str | None = None
    others_wait: bool = False
    is_retry: bool = False
    took: float = 0.0

    @property
    def began(self) -> float:
        """When it began."""
        return self.now - self.took


def calmed(state: GateState, *, now: float) -> GateState:
    """Return `CALM` when nothing about the tool is worth remembering any more."""
    budget = state.budget
    is_full = budget is None or (budget.tokens >= budget.policy.tokens and not budget.failing)
    is_calm = is_full and state.circuit == CLOSED and state.is_open(now) and _are_through(state, now)
    return CALM if is_calm else state


def after_failure(state: GateState, rules: Rules, failure: Failure, attempt: Attempt) -> GateState:
    """Return the state after a failed attempt."""
    if state.budget is None and rules.budget is not None:
        state = replace(state, budget=budgets.full(rules.budget))
    if is_counted(failure) and attempt.began < state.circuit.closed_at:
        return replace(state, budget=state.budget and budgets.after_late_failure(state.budget))
    if rules.circuit is not None:
        state = _out_of_window(state, failure, attempt)
        state = _after_verdict(state, rules.circuit, failure, attempt)
    if is_counted(failure) and state.budget is not None:
        state = replace(state, budget=budgets.after_failure(state.budget, is_retry=attempt.is_retry))
    return state


def _out_of_window(state: GateState, failure: Failure, attempt: Attempt) -> GateState:
    is_timeout = failure.category is ErrorCategory.TIMEOUT
    if attempt.entry is Entry.COUNTED and state.window is not None:
        if is_timeout:
            return replace(state, window=windows.after_timeout(state.window))
        if failure.throttled or is_counted(failure):
            return replace(state, window=windows.left(state.window))
        return replace(state, window=_after_answer(state.window, attempt))
    if attempt.entry is Entry.PLAIN and state.circuit.state is not CircuitState.CLOSED:
        return replace(state, timed_out=state.timed_out + is_timeout)
    return state


def _after_answer(window: Window, attempt: Attempt) -> Window | None:
    needed = windows.awaited(window, now=attempt.now) if attempt.others_wait else window
    return windows.after_answer(needed, now=attempt.now)


def _after_verdict(state: GateState, policy: CircuitPolicy, failure: Failure, attempt: Attempt) -> GateState:
    is_probe = attempt.entry is Entry.PROBE
    if is_counted(failure):
        after = circuits.after_failed_probe if is_probe else circuits.after_failure
        circuit = after(state.circuit, policy, now=attempt.now, chance=attempt.chance, arguments=attempt.arguments)
        return replace(state, circuit=circuit, failure=without_words(failure))
    if is_probe or state.circuit.state is CircuitState.CLOSED:
        return _closed(state, policy, attempt.now)
    return state


def without_words(failure: Failure) -> Failure:
    """Return `failure` as that of a call that was not run, without what only its own call may know."""
    return replace(failure, rule="circuit", retry_after=None, may_have_acted=False, veto=None, detail=None)


def _closed(state: GateState, policy: CircuitPolicy | None, now: float) -> GateState:
    """Let calls in again: the service has answered."""
    if policy is None:
        return state
    if state.circuit.state is not CircuitState.CLOSED:
        state = replace(
            state,
            window=windows.opened(state.window, timed_out=state.timed_out, now=now),
            timed_out=0,
            budget=None if state.budget is None else budgets.after_outage(state.budget),
        )
    return replace(state, circuit=circuits.after_success(state.circuit, policy, now=now))


def after_success(state: GateState, rules: Rules, attempt: Attempt, *, repaid: int | None) -> GateState:
    """Return the state after an attempt that worked; `repaid` are the tokens of its retry, None for a first one."""
    if attempt.entry is Entry.COUNTED and state.window is not None:
        state = replace(state, window=_after_answer(state.window, attempt))
    state = _closed(state, rules.circuit, attempt.now)
    if state.budget is not None:
        state = replace(state, budget=budgets.after_success(state.budget, repaid=repaid))
    return calmed(state, now=attempt.now)


def after_nothing(state: GateState, attempt: Attempt) -> GateState:
    """Return the state after an attempt that showed nothing about the service, or was not made after all."""
    if attempt.entry is Entry.COUNTED and state.window is not None:
        return replace(state, window=windows.left(state.window))
    if attempt.entry is Entry.PROBE:
        return replace(state, circuit=circuits.probe_given_back(state.circuit, now=attempt.now))
    return state


def after_entering(state: GateState, rules: Rules, attempt: Attempt, *, ahead: int) -> tuple[GateState, Entry | None]:
    """Return the state after an attempt asks to be let in, and how it is let in; None when it has to wait.

    `ahead` is the number of calls that came before it and wait for the window.
    """
    policy, window = rules.circuit, state.window
    if policy is None:
        return state, Entry.PLAIN
    if state.circuit.state is not CircuitState.CLOSED:
        probe = circuits.probing(
            state.circuit, policy, now=attempt.now, chance=attempt.chance, arguments=attempt.arguments
        )
        return (state, None) if probe is None else (replace(state, circuit=probe), Entry.PROBE)
    if window is None:
        return state, Entry.PLAIN
    if ahead < window.free(now=attempt.now):
        return replace(state, window=windows.entered(window, now=attempt.now)), Entry.COUNTED
    return replace(state, window=windows.awaited(window, now=attempt.now)), None


def after_request_to_wait(
    state: GateState, failure: Failure, *, now: float, returns: bool, tool: str
) -> tuple[GateState, float]:
    """Return the state after a server asked to wait, and how long after that wait the call goes if it `returns`."""
    until = now + (failure.retry_after or 0.0)
    if until > state.blocked_until + SAME_DOOR:
        # The server asked again before all were through, so do not hurry it: they have waited since then.
        since = now if _are_through(state, now) else state.waiting_since
        state = replace(state, expected=0, waiting_since=since)
    until = max(until, state.blocked_until)
    blocked = replace(
        state,
        blocked_until=until,
        expected=state.expected + returns,
        tools=state.tools if tool in state.tools else (*state.tools, tool)[-MOST_TOOLS:],
        failure=without_words(failure),
    )
    return blocked, _behind(state, now)


def after_joining(state: GateState, *, now: float) -> tuple[GateState, float]:
    """Return the state with one more call that waits for `blocked_until`, and how many seconds after that it goes."""
    return replace(state, expected=state.expected + 1), _behind(state, now)


def _behind(state: GateState, now: float) -> float:
    """Return how many seconds after `blocked_until` a call goes, behind those that are expected.

    They go on no faster than they came, a rate that the server has met already; those that came at once go fastest.
    """
    return max(state.expected / FASTEST, min(state.expected / SLOWEST, now - state.waiting_since))


def _are_through(state: GateState, now: float) -> bool:
    """Return whether all calls that waited for the server are on their way, even at the slowest rate."""
    return now >= state.blocked_until + state.expected / SLOWEST


#: Calls a second that come back after a server asked to wait: 200 that came at once are back within two seconds.
FASTEST = 115.0
SLOWEST = 40.0

#: How many tools of one server are remembered.
MOST_TOOLS = 16

#: Times that differ by less count as the same: servers name whole seconds.
SAME_DOOR = 1.0


def after_paying(state: GateState, failure: Failure) -> tuple[GateState, int | None]:
    """Return the state after a retry has taken its tokens, and how many; None when the budget forbids it."""
    if state.budget is None:
        return state, 0
    cost = state.budget.policy.cost_of_retry(failure)
    if not budgets.affords(state.budget, cost):
        return state, None
    return replace(state, budget=budgets.with_tokens(state.budget, -cost)), cost


def after_repaying(state: GateState, tokens: int) -> GateState:
    """Return the state after a retry that was paid for and not made."""
    return state if state.budget is None else replace(state, budget=budgets.with_tokens(state.budget, tokens))


def shifted(state: GateState, seconds: float) -> GateState:
    """Return `state` by another clock, which is `seconds` ahead."""
    circuit, window = state.circuit, state.window
    times = ("failing_since", "opened_at", "closed_at", "probe_at")
    moved = {name: getattr(circuit, name) + seconds for name in times if getattr(circuit, name)}
    return replace(
        state,
        circuit=replace(circuit, **moved),
        window=window and replace(window, needed_at=window.needed_at + seconds, entered_at=window.entered_at + seconds),
        blocked_until=state.blocked_until and state.blocked_until + seconds,
        waiting_since=state.waiting_since and state.waiting_since + seconds,
    )
