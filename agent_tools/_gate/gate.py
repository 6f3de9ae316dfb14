"""What the calls of one tool share: retry budget, circuit, window, the time that a server asked for.

A share's lock is held for the length of a few assignments, never while a tool runs or a call waits. As long as nothing
fails there is no share at all, and calls pay nothing.
"""

import math
import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto
from itertools import count
from typing import Protocol

from agent_tools._core import budget as budgets
from agent_tools._core import window as windows
from agent_tools._core.budget import BudgetPolicy
from agent_tools._core.circuit import (
    CLOSED,
    Circuit,
    CircuitPolicy,
    CircuitState,
    after_failed_probe,
    after_failure,
    is_counted,
    probe_given_back,
    probing,
)
from agent_tools._core.decision import RETRY_AFTER_SPREAD, Reason
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.window import Window
from agent_tools._flow.waiting import Alarm

#: Calls a second that go on after they were held back: a service that has just come back is not to fall over them.
PACE = 25.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a tool is doing, for operators.

    Attributes:
        state: Of its circuit.
        failures: Failures in a row that say that the service is down.
        probe_in: Seconds until the next probe, None when the circuit is closed.
        retry_tokens: What is left of the retry budget, None when there is none.
        failing: The part of the latest attempts that failed because of the service.
        window: How many calls may be under way at the same time, None for any number.
        blocked_for: Seconds for which a server has asked all calls to wait.
    """

    state: CircuitState
    failures: int
    probe_in: float | None
    retry_tokens: int | None
    failing: float
    window: int | None
    blocked_for: float


@dataclass(frozen=True, slots=True)
class Hold:
    """Wait so many `seconds`; less when `changed` says so."""

    seconds: float
    changed: Alarm | None = None


class Entry(Enum):
    """An attempt may be made."""

    PROBE = auto()
    """It finds out for all calls whether the tool is back."""
    COUNTED = auto()
    """It is one of those that the window lets in at the same time."""
    PLAIN = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Do not run; `failure` is what is known of the tool."""

    reason: Reason
    failure: Failure


#: What an attempt waits for before it is made, and in the end how it is made, or why it is not.
Entering = Generator[Hold, bool | None, Refusal | Entry]


class Visitor(Protocol):
    """A call that wants to make an attempt.

    Attributes:
        policy: Of its tool.
        began: When the call began.
        clock: Returns seconds that never run backwards.
        draw: Returns a number from 0 up to 1 that nobody can foresee.
    """

    @property
    def policy(self) -> RetryPolicy: ...
    @property
    def began(self) -> float: ...
    @property
    def clock(self) -> Callable[[], float]: ...
    @property
    def draw(self) -> Callable[[], float]: ...


class Gate:
    """What the calls of one key share; safe under threads.

    Attributes:
        is_calm: Nothing is held back, nothing has failed since the last success, the budget is full.
    """

    __slots__ = (
        "_blocked_since",
        "_blocked_until",
        "_budget",
        "_budget_policy",
        "_circuit",
        "_circuit_policy",
        "_drowned",
        "_failure",
        "_held_calls",
        "_lock",
        "_place_by_ticket",
        "_places",
        "_window",
        "is_calm",
    )

    def __init__(self, budget: BudgetPolicy | None, circuit: CircuitPolicy | None) -> None:
        self._lock = threading.Lock()
        self._budget_policy = budget
        self._circuit_policy = circuit
        self._held_calls = 0
        self._places = count()
        self._place_by_ticket: dict[object, int] = {}  # of those who wait for the window, the first one first
        self.reset()

    def reset(self) -> None:
        """Forget all failures."""
        with self._lock:
            self._budget = None if self._budget_policy is None else budgets.full(self._budget_policy)
            self._circuit = CLOSED
            self._window: Window | None = None
            self._drowned = 0
            self._blocked_since = self._blocked_until = 0.0
            self._failure: Failure | None = None
            self.is_calm = True

    def health(self, *, now: float) -> Health:
        """Return how the tool is doing."""
        with self._lock:
            circuit, budget, window = self._circuit, self._budget, self._window
            return Health(
                state=circuit.state,
                failures=circuit.failures,
                probe_in=None if circuit.state is CircuitState.CLOSED else max(0.0, circuit.probe_at - now),
                retry_tokens=None if budget is None else budget.tokens,
                failing=0.0 if budget is None else round(budget.failing, 3),
                window=None if window is None else int(window.size),
                blocked_for=max(0.0, self._blocked_until - now),
            )

    def opens_in(self, *, now: float) -> float | None:
        """Return the seconds until the circuit lets the next probe through, None when it is closed."""
        circuit = self._circuit
        return None if circuit.state is CircuitState.CLOSED else max(0.0, circuit.probe_at - now)

    def patience(self, *, now: float) -> float:
        """Return the seconds for which calls still wait for that."""
        policy = self._circuit_policy
        return 0.0 if policy is None else max(0.0, self._circuit.opened_at + policy.patience - now)

    def failed(self, failure: Failure, *, now: float, chance: float, entry: Entry, share_wait: bool) -> None:
        """Note a failed attempt, which `entry` had let in."""
        with self._lock:
            self.is_calm = False
            if share_wait and failure.retry_after is not None:
                self._block(failure, failure.retry_after, now)
            if self._circuit_policy is not None:
                self._leave_window(failure, entry, now)
                self._move_circuit(failure, self._circuit_policy, now=now, chance=chance, is_probe=entry is Entry.PROBE)
            if is_counted(failure) and self._budget is not None:
                self._budget = budgets.after_failure(self._budget)

    def _block(self, failure: Failure, seconds: float, now: float) -> None:
        if self._blocked_until < now:
            self._blocked_since = now
        self._blocked_until = max(self._blocked_until, now + seconds)
        self._failure = failure

    def _leave_window(self, failure: Failure, entry: Entry, now: float) -> None:
        timed_out = failure.category is ErrorCategory.TIMEOUT
        if entry is Entry.COUNTED and self._window is not None:
            if timed_out:
                self._window = windows.after_timeout(self._window)
            elif failure.throttled or is_counted(failure):
                self._window = windows.left(self._window)
            else:
                self._window = self._after_answer(self._window, now)
        elif entry is Entry.PLAIN and self._circuit.state is not CircuitState.CLOSED:
            self._drowned += timed_out

    def _after_answer(self, window: Window, now: float) -> Window | None:
        needed = windows.awaited(window, now=now) if self._place_by_ticket else window
        return windows.after_answer(needed, now=now)

    def _move_circuit(
        self, failure: Failure, policy: CircuitPolicy, *, now: float, chance: float, is_probe: bool
    ) -> None:
        if is_counted(failure):
            after = after_failed_probe if is_probe else after_failure
            self._circuit = after(self._circuit, policy, now=now, chance=chance)
            self._failure = failure
        elif is_probe or self._circuit.state is CircuitState.CLOSED:
            self._close(now)

    def _close(self, now: float) -> None:
        """Let calls in again: the service has answered."""
        if self._circuit.state is not CircuitState.CLOSED:
            self._window = windows.opened(self._window, drowned=self._drowned, now=now)
            self._drowned = 0
            self._budget = None if self._budget is None else budgets.after_outage(self._budget)
        self._circuit = CLOSED

    def succeeded(self, *, now: float, entry: Entry, repaid: int | None) -> None:
        """Note an attempt that worked; `repaid` are the tokens that its retry took, None when it was the first."""
        with self._lock:
            if entry is Entry.COUNTED and self._window is not None:
                self._window = self._after_answer(self._window, now)
            self._close(now)
            if self._budget is not None:
                self._budget = budgets.after_success(self._budget, repaid=repaid)
            is_full = self._budget is None or self._budget == budgets.full(self._budget.policy)
            self.is_calm = is_full and self._window is None and not self._blocked_until

    def given_back(self, *, now: float, entry: Entry) -> None:
        """Note an attempt that came to no verdict, or was not made after all."""
        with self._lock:
            if entry is Entry.COUNTED and self._window is not None:
                self._window = windows.left(self._window)
            if entry is Entry.PROBE:
                self._circuit = probe_given_back(self._circuit, now=now)

    def spent(self, failure: Failure) -> int | None:
        """Take the tokens for a retry and return how many; None when there is none to be made."""
        with self._lock:
            if self._budget is None:
                return 0
            cost = self._budget.policy.cost_of_retry(failure)
            if not budgets.affords(self._budget, cost):
                return None
            self._budget = budgets.with_tokens(self._budget, -cost)
            return cost

    def repaid(self, tokens: int) -> None:
        """Put back the tokens of a retry that was not made."""
        with self._lock:
            if self._budget is not None:
                self._budget = budgets.with_tokens(self._budget, tokens)

    def entering(self, visitor: Visitor) -> Entering:
        """Yield what `visitor` is to wait before an attempt; return how it enters, or why it may not.

        Sent back is whether the whole time has passed.
        """
        now, ticket = visitor.clock(), object()
        met = self._met(visitor, ticket, now)
        if not isinstance(met, _Obstacle):
            return met
        with self._holding(ticket):
            return (yield from self._held(visitor, ticket, met, now))

    def _held(self, visitor: Visitor, ticket: object, met: "Entry | _Obstacle", now: float) -> Entering:
        while isinstance(met, _Obstacle):
            if now >= met.ends or (met.until > met.ends and not met.may_end_sooner):
                return Refusal(met.reason, met.failure)
            until = min(met.until, met.ends)
            whole = yield Hold(until - now, self._change(visitor, ticket, met))
            now = max(visitor.clock(), until) if whole else visitor.clock()
            if self._is_open_to_all(now):
                after = visitor.draw() * min(now - met.since, max(met.spread, self._held_calls / PACE))
                yield Hold(after)
                now = max(visitor.clock(), now + after)
            met = self._met(visitor, ticket, now)
        return met

    @contextmanager
    def _holding(self, ticket: object) -> Iterator[None]:
        with self._lock:
            self._held_calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._held_calls -= 1
                self._place_by_ticket.pop(ticket, None)

    def _met(self, visitor: Visitor, ticket: object, now: float) -> "Entry | _Obstacle":
        """Return what is in the way of an attempt, or that nothing is."""
        with self._lock:
            if now < self._blocked_until:
                return self._blocked(visitor, now)
            self._blocked_until = 0.0
            policy = self._circuit_policy
            if policy is None:
                return Entry.PLAIN
            if self._circuit.state is CircuitState.CLOSED:
                return self._met_at_window(self._window, policy, visitor, ticket, now)
            probe = probing(self._circuit, policy, now=now, chance=visitor.draw())
            if probe is None:
                return self._opened(self._circuit, policy, visitor, now)
            self._circuit = probe
            return Entry.PROBE

    def _met_at_window(
        self, window: Window | None, policy: CircuitPolicy, visitor: Visitor, ticket: object, now: float
    ) -> "Entry | _Obstacle":
        if window is None:
            return Entry.PLAIN
        if self._has_turn(window, ticket, now):
            self._place_by_ticket.pop(ticket, None)
            self._window = windows.entered(window, now=now)
            return Entry.COUNTED
        if ticket not in self._place_by_ticket:
            self._place_by_ticket[ticket] = next(self._places)
        self._window = windows.awaited(window, now=now)
        return _Obstacle(
            reason=Reason.CROWDED,
            failure=self._known(None),
            until=math.inf,
            ends=visitor.began + min(policy.patience, visitor.policy.longest_call),
            may_end_sooner=True,
            since=now,
            spread=0.0,
        )

    def _has_turn(self, window: Window, ticket: object, now: float) -> bool:
        """Return whether a call may begin before all that came after it, and behind all that came before."""
        place = self._place_by_ticket.get(ticket)
        if place is None:
            return len(self._place_by_ticket) < window.free(now=now)
        return place - next(iter(self._place_by_ticket.values())) < window.free(now=now)

    def _blocked(self, visitor: Visitor, now: float) -> "_Obstacle":
        return _Obstacle(
            reason=Reason.RETRY_AFTER,
            failure=self._known(self._blocked_until - now),
            until=self._blocked_until,
            ends=visitor.began + min(visitor.policy.max_retry_after, visitor.policy.longest_call),
            since=self._blocked_since,
            spread=RETRY_AFTER_SPREAD,
        )

    def _opened(self, circuit: Circuit, policy: CircuitPolicy, visitor: Visitor, now: float) -> "_Obstacle":
        return _Obstacle(
            reason=Reason.CIRCUIT,
            failure=self._known(circuit.probe_at - now),
            until=circuit.probe_at,
            ends=min(circuit.opened_at + policy.patience, visitor.began + visitor.policy.longest_call),
            may_end_sooner=circuit.state is CircuitState.PROBING,
            since=circuit.opened_at,
            spread=policy.spread,
        )

    def _known(self, seconds: float | None) -> Failure:
        """Return the last failure as that of a call which was not run; in so many `seconds` there is more to know."""
        failure = self._failure or Failure(category=ErrorCategory.RETRYABLE)
        after = None if seconds is None else round(seconds, 1)
        return replace(failure, rule="circuit", retry_after=after, may_have_acted=False, veto=None, detail=None)

    def _is_open_to_all(self, now: float) -> bool:
        return self._circuit.state is CircuitState.CLOSED and self._window is None and now >= self._blocked_until

    def _change(self, visitor: Visitor, ticket: object, met: "_Obstacle") -> Alarm:
        """Return what tells a call that has `met` an obstacle that it is worth to look again."""
        circuit, blocked_until = self._circuit, self._blocked_until

        def has_turn() -> bool:
            with self._lock:  # others join and leave the queue
                window = self._window
                if self._circuit is not circuit or window is None:
                    return True
                return self._has_turn(window, ticket, visitor.clock())

        def is_over() -> bool:
            return self._circuit is not circuit or self._blocked_until != blocked_until

        return has_turn if met.reason is Reason.CROWDED else is_over


@dataclass(frozen=True, slots=True, kw_only=True)
class _Obstacle:
    """What is in the way of an attempt.

    Attributes:
        reason: Why the call is answered if it cannot wait.
        failure: What is known of the tool.
        until: When it will be over, or there is something else to do.
        ends: When the call stops to wait for that.
        since: When it began.
        spread: Seconds over which calls that have waited go on, more if they are many, never more than it lasted.
        may_end_sooner: It may be over at any time.
    """

    reason: Reason
    failure: Failure
    until: float
    ends: float
    since: float
    spread: float
    may_end_sooner: bool = False
