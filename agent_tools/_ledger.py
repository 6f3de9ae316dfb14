"""What the calls of one tool share: their retry budget, their circuit, the time that a server asked for.

One `Share` per tool, or per key of the user's. Its lock is held for the length of a few assignments, never
while a tool runs or a call waits. As long as nothing fails there is no share at all, and calls pay nothing.
"""

import threading
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from enum import Enum, auto

from agent_tools._core.budget import BudgetPolicy
from agent_tools._core.circuit import (
    CLOSED,
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
from agent_tools._waiting import Alarm

#: Calls a second that go on after they were held back: a service that has just come back is not to fall over them.
PACE = 25.0

#: From so many shares on, those that have nothing to tell any more are forgotten.
_MANY = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Health:
    """How a tool is doing, for operators.

    Attributes:
        state: Of its circuit.
        failures: Failures in a row that say that the service is down.
        probe_in: Seconds until the next probe, None when the circuit is closed.
        retry_tokens: What is left of the retry budget, None when there is none.
        blocked_for: Seconds for which a server has asked all calls to wait.
    """

    state: CircuitState
    failures: int
    probe_in: float | None
    retry_tokens: int | None
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
    PLAIN = auto()


@dataclass(frozen=True, slots=True)
class Refusal:
    """Do not run; `failure` is what is known of the tool."""

    reason: Reason
    failure: Failure


#: What an attempt waits for before it is made, and in the end whether it is the probe, or why it is not made.
Entering = Generator[Hold, bool | None, Refusal | Entry]


class Share:
    """What the calls of one key share; safe under threads.

    Attributes:
        is_calm: Nothing is held back, nothing has failed since the last success, the budget is full.
    """

    __slots__ = (
        "_blocked_since",
        "_blocked_until",
        "_budget",
        "_circuit",
        "_failure",
        "_held_calls",
        "_lock",
        "_policy",
        "_tokens",
        "is_calm",
    )

    def __init__(self, budget: BudgetPolicy | None, circuit: CircuitPolicy | None) -> None:
        self._lock = threading.Lock()
        self._budget = budget
        self._policy = circuit
        self._held_calls = 0
        self.reset()

    def reset(self) -> None:
        """Forget all failures."""
        with self._lock:
            self._circuit = CLOSED
            self._tokens = 0 if self._budget is None else self._budget.tokens
            self._blocked_since = self._blocked_until = 0.0
            self._failure: Failure | None = None
            self.is_calm = True

    def health(self, *, now: float) -> Health:
        """Return how the tool is doing."""
        with self._lock:
            circuit = self._circuit
            return Health(
                state=circuit.state,
                failures=circuit.failures,
                probe_in=None if circuit.state is CircuitState.CLOSED else max(0.0, circuit.probe_at - now),
                retry_tokens=None if self._budget is None else self._tokens,
                blocked_for=max(0.0, self._blocked_until - now),
            )

    def opens_in(self, *, now: float) -> float | None:
        """Return the seconds until the circuit lets the next probe through, None when it is closed."""
        circuit = self._circuit
        return None if circuit.state is CircuitState.CLOSED else max(0.0, circuit.probe_at - now)

    def patience(self, *, now: float) -> float:
        """Return the seconds for which calls still wait for that."""
        return 0.0 if self._policy is None else max(0.0, self._circuit.opened_at + self._policy.patience - now)

    def failed(self, failure: Failure, *, now: float, chance: float, is_probe: bool, share_wait: bool) -> None:
        """Note a failed attempt."""
        with self._lock:
            self.is_calm = False
            if share_wait and failure.retry_after is not None:
                if self._blocked_until < now:
                    self._blocked_since = now
                self._blocked_until = max(self._blocked_until, now + failure.retry_after)
                self._failure = failure
            if self._policy is None:
                return
            if is_counted(failure):
                after = after_failed_probe if is_probe else after_failure
                self._circuit = after(self._circuit, self._policy, now=now, chance=chance)
                self._failure = failure
            else:
                self._circuit = CLOSED if is_probe or self._circuit.state is CircuitState.CLOSED else self._circuit

    def succeeded(self, *, repaid: int | None) -> None:
        """Note a success; `repaid` are the tokens that its last retry took, None when it needed none."""
        with self._lock:
            self._circuit = CLOSED
            if self._budget is not None:
                self._earn(self._budget.success_gain if repaid is None else repaid)
            full = self._budget is None or self._tokens == self._budget.tokens
            self.is_calm = full and self._circuit is CLOSED and not self._blocked_until

    def _earn(self, tokens: int) -> None:
        if self._budget is not None:
            self._tokens = min(self._budget.tokens, self._tokens + tokens)

    def given_back(self, *, now: float) -> None:
        """Note that the probe has come to no verdict."""
        with self._lock:
            self._circuit = probe_given_back(self._circuit, now=now)

    def spent(self, failure: Failure) -> int | None:
        """Take the tokens for a retry and return how many; None when there are too few."""
        if self._budget is None:
            return 0
        cost = self._budget.cost_of_retry(failure)
        with self._lock:
            if self._tokens < cost:
                return None
            self._tokens -= cost
            return cost

    def repaid(self, tokens: int) -> None:
        """Put back the tokens of a retry that was not made."""
        with self._lock:
            self._earn(tokens)

    def entering(
        self, policy: RetryPolicy, *, clock: Callable[[], float], draw: Callable[[], float], began: float
    ) -> Entering:
        """Yield what to wait before an attempt; return whether it is the probe, or why it may not be made.

        Sent back is whether the whole time has passed.

        Args:
            policy: Of the tool.
            clock: Returns seconds that never run backwards.
            draw: Returns a number from 0 up to 1 that nobody can foresee.
            began: When the call began.
        """
        now = clock()
        met = self._admitted(policy, began, now, draw())
        if not isinstance(met, _Obstacle):
            return met
        with self._holding():
            return (yield from self._held(met, policy, clock=clock, draw=draw, began=began, now=now))

    def _held(
        self,
        met: "Entry | _Obstacle",
        policy: RetryPolicy,
        *,
        clock: Callable[[], float],
        draw: Callable[[], float],
        began: float,
        now: float,
    ) -> Entering:
        while isinstance(met, _Obstacle):
            if now >= met.ends or (met.until > met.ends and not met.may_end_sooner):
                return Refusal(met.reason, met.failure)
            until = min(met.until, met.ends)
            whole = yield Hold(until - now, self._change())
            now = max(clock(), until) if whole else clock()
            if self._is_open_to_all(now):
                after = draw() * min(now - met.since, max(met.spread, self._held_calls / PACE))
                yield Hold(after)
                now = max(clock(), now + after)
            met = self._admitted(policy, began, now, draw())
        return met

    @contextmanager
    def _holding(self) -> Iterator[None]:
        with self._lock:
            self._held_calls += 1
        try:
            yield
        finally:
            with self._lock:
                self._held_calls -= 1

    def _admitted(self, policy: RetryPolicy, began: float, now: float, chance: float) -> "Entry | _Obstacle":
        """Return what is in the way of an attempt, or that nothing is."""
        with self._lock:
            if now < self._blocked_until:
                return self._blocked(policy, began, now)
            self._blocked_until = 0.0
            if self._policy is None or self._circuit.state is CircuitState.CLOSED:
                return Entry.PLAIN
            probe = probing(self._circuit, self._policy, now=now, chance=chance)
            if probe is None:
                return self._opened(self._policy, policy, began, now)
            self._circuit = probe
            return Entry.PROBE

    def _blocked(self, policy: RetryPolicy, began: float, now: float) -> "_Obstacle":
        asked = self._blocked_until - now
        return _Obstacle(
            reason=Reason.RETRY_AFTER,
            failure=self._known(asked),
            until=self._blocked_until,
            ends=began + min(policy.max_retry_after, policy.longest_call),
            since=self._blocked_since,
            spread=RETRY_AFTER_SPREAD,
        )

    def _opened(self, circuit_policy: CircuitPolicy, policy: RetryPolicy, began: float, now: float) -> "_Obstacle":
        circuit = self._circuit
        return _Obstacle(
            reason=Reason.CIRCUIT,
            failure=self._known(circuit.probe_at - now),
            until=circuit.probe_at,
            ends=min(circuit.opened_at + circuit_policy.patience, began + policy.longest_call),
            may_end_sooner=circuit.state is CircuitState.PROBING,
            since=circuit.opened_at,
            spread=circuit_policy.spread,
        )

    def _known(self, seconds: float) -> Failure:
        """Return the last failure as that of a call which was not run."""
        failure = self._failure or Failure(category=ErrorCategory.RETRYABLE)
        return replace(
            failure, rule="circuit", retry_after=round(seconds, 1), may_have_acted=False, veto=None, detail=None
        )

    def _is_open_to_all(self, now: float) -> bool:
        return self._circuit.state is CircuitState.CLOSED and now >= self._blocked_until

    def _change(self) -> Alarm:
        circuit, blocked_until = self._circuit, self._blocked_until
        return lambda: self._circuit is not circuit or self._blocked_until != blocked_until


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


class Ledger:
    """The shares of a handler, by key.

    Attributes:
        shares: Those of which there is something to tell.
    """

    __slots__ = ("_budget", "_circuit", "_lock", "shares")

    def __init__(self, *, budget: BudgetPolicy | None, circuit: CircuitPolicy | None) -> None:
        self._budget = budget
        self._circuit = circuit
        self._lock = threading.Lock()
        self.shares: dict[str, Share] = {}

    def share(self, key: str) -> Share:
        """Return the share of `key`, a new one if there is none."""
        with self._lock:
            if key not in self.shares and len(self.shares) >= _MANY:
                for calm in [each for each, share in self.shares.items() if share.is_calm]:
                    del self.shares[calm]
            return self.shares.setdefault(key, Share(self._budget, self._circuit))

    def health(self, *, now: float) -> dict[str, Health]:
        """Return how each tool is doing that has ever failed."""
        with self._lock:
            return {key: share.health(now=now) for key, share in self.shares.items()}

    def reset(self, key: str | None = None) -> None:
        """Forget the failures of `key`, None for all."""
        with self._lock:
            for share in self.shares.values() if key is None else filter(None, [self.shares.get(key)]):
                share.reset()
