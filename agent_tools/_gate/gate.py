"""The gate that all calls of one key pass: how they wait there, and what they report.

Two states decide: that of the key itself (a tool, or a tool at one host), and that of its door, which holds the wait
that the host asks of all tools.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Protocol

from agent_tools._core import gate_state as states
from agent_tools._core.circuit import Circuit, CircuitState
from agent_tools._core.decision import DOOR_SPREAD
from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.gate_policies import CircuitPolicy
from agent_tools._core.gate_state import Attempt, Entry, GateState, Rules
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.reason import Reason
from agent_tools._flow.steps import Flow, Wait
from agent_tools._flow.waiting import Alarm
from agent_tools._gate.gates import Gates, Queue, door_of, tool_of
from agent_tools._gate.store import Change

#: Calls per second that go on after a circuit held them back: they must not overload a service that has just recovered.
PACE = 25.0

#: The last retry of a call is not the probe of an outage before this part of the patience has passed: it may be a
#: blip, and a call that arrives has more attempts to lose.
LAST_RETRY = 0.6

#: Seconds for which a probe is reserved for a call whose arguments differ from those of the last failure.
PREFERENCE = 0.2


@dataclass(frozen=True, slots=True)
class Refusal:
    """The call must not run; `failure` is the last one of the tool."""

    reason: Reason
    failure: Failure


#: The graph began to shut down while the call was held back.
DRAINED = Refusal(Reason.DRAINING, Failure(category=ErrorCategory.RETRYABLE, rule="draining", may_have_acted=False))


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """Where a call stands after an attempt failed.

    Attributes:
        opens_in: Seconds until the circuit lets the next probe through, None when it is closed.
        patience: Seconds for which calls still wait for that probe.
        tokens: Tokens taken for a retry; None when the budget refuses one.
        behind: Seconds that this call goes behind the moment at which the server wants to be asked again.
        blocked_until: That moment.
    """

    opens_in: float | None = None
    patience: float = 0.0
    tokens: int | None = 0
    behind: float = 0.0
    blocked_until: float = 0.0


class Visitor(Protocol):
    """A call that wants to make an attempt.

    Attributes:
        policy: Its tool's.
        began: When the call began.
        clock: Returns seconds that never run backwards.
        draw: Returns a number from 0 up to 1 that nobody can predict.
        arguments: A digest of its arguments.
        is_last_retry: The call has failed before, and has no attempt left but this one.
        waited_until: Until when it has waited because a server asked it to.
    """

    @property
    def policy(self) -> RetryPolicy: ...
    @property
    def began(self) -> float: ...
    @property
    def clock(self) -> Callable[[], float]: ...
    @property
    def draw(self) -> Callable[[], float]: ...
    @property
    def arguments(self) -> str | None: ...
    @property
    def is_last_retry(self) -> bool: ...
    @property
    def waited_until(self) -> float: ...


class Gate:
    """The gate that all calls of a key pass.

    Attributes:
        key: As in `Gates.by_key`.
    """

    __slots__ = ("_door", "_gates", "key")

    def __init__(self, gates: Gates, key: str) -> None:
        self._gates = gates
        self._door = door_of(key)
        self.key = key

    @property
    def is_calm(self) -> bool:
        """Whether nothing is held back or counted here."""
        return self.key not in self._gates.by_key and self._door not in self._gates.by_key

    @property
    def state(self) -> GateState:
        """The state of the key."""
        return self._gates.state(self.key)

    @property
    def _rules(self) -> Rules:
        return Rules(self._gates.budget, self._gates.circuit)

    # ---- reports ----

    def failed(self, failure: Failure, attempt: Attempt, *, longest_wait: float, retries: bool) -> Flow[Standing]:
        """Report a failed attempt; return where its call stands.

        Args:
            failure: What went wrong.
            attempt: How it was made.
            longest_wait: Seconds that a server may ask all calls to wait; a longer wait applies to this call alone.
            retries: The call makes another attempt if the budget grants it.
        """
        behind = 0.0
        if failure.retry_after is not None and failure.retry_after <= longest_wait:
            behind = yield from self._gates.change_for_all(self._door, self._asked_to_wait(failure, retries))
        rules, policy = self._rules, self._gates.circuit

        def fail(state: GateState, now: float) -> tuple[GateState, Standing]:
            state = states.after_failure(state, rules, failure, replace(attempt, now=now))
            circuit = state.circuit
            if circuit.state is not CircuitState.CLOSED and policy is not None:
                # A retry waits for the result of the probe as a newcomer does, and pays as little.
                patience = max(0.0, circuit.opened_at + policy.patience - now)
                return state, Standing(opens_in=max(0.0, circuit.probe_at - now), patience=patience)
            tokens: int | None = 0
            if retries:
                state, tokens = states.after_paying(state, failure)
            return states.calmed(state, now=now), Standing(tokens=tokens)

        standing = yield from self._gates.change_for_all(self.key, fail)
        return replace(standing, behind=behind, blocked_until=self._gates.state(self._door).blocked_until)

    def _asked_to_wait(self, failure: Failure, returns: bool) -> Change[float]:  # noqa: FBT001  # as above
        tool = tool_of(self.key)
        return lambda state, now: states.after_request_to_wait(state, failure, now=now, returns=returns, tool=tool)

    def succeeded(self, attempt: Attempt, *, repaid: int | None) -> None:
        """Report an attempt that worked; `repaid` are the tokens that its retry took, None when it was the first."""
        rules, others_wait = self._rules, bool(self._gates.queue(self.key).number_by_ticket)

        def succeed(state: GateState, now: float) -> tuple[GateState, None]:
            made = replace(attempt, now=now, others_wait=others_wait)
            return states.after_success(state, rules, made, repaid=repaid), None

        if self.key in self._gates.by_key:
            self._gates.change_later(self.key, succeed)
        self._gates.forget_if_calm(self._door)

    def released(self, attempt: Attempt) -> None:
        """Report an attempt that was not made or whose result proves nothing."""
        self._gates.change_later(
            self.key, lambda state, now: (states.after_nothing(state, replace(attempt, now=now)), None)
        )

    def repay(self, tokens: int) -> None:
        """Put back the tokens of a retry that was not made."""
        self._gates.change_later(self.key, lambda state, _: (states.after_repaying(state, tokens), None))

    # ---- entering ----

    def entering(self, visitor: Visitor, draining: Alarm | None = None) -> Flow[Refusal | Entry]:
        """Wait until `visitor` may make an attempt; return how it enters, or why it may not.

        Args:
            visitor: The call.
            draining: Whether the graph is shutting down, which ends the wait.
        """
        now, ticket = visitor.clock(), object()
        met = yield from self._met(visitor, ticket, Queue(), now)
        if not isinstance(met, _Obstacle):
            return met
        with self._gates.holding(self.key, ticket, visitor.arguments) as queue:
            while isinstance(met, _Obstacle):
                if met.reason is Reason.CROWDED:
                    self._gates.take_number(queue, ticket)
                if now >= met.ends or (met.until > met.ends and not met.may_end_sooner):
                    return Refusal(met.reason, met.failure)
                until = min(met.until, met.ends)
                whole = yield Wait(max(0.0, until - now), _either(draining, self._change(met, ticket)))
                if not whole and draining is not None and draining():
                    return DRAINED
                now = max(visitor.clock(), until) if whole else visitor.clock()
                if met.spread is not None and self.state.is_open(now):
                    after = visitor.draw() * min(now - met.since, max(met.spread, queue.held / PACE))
                    yield Wait(after)
                    now = max(visitor.clock(), now + after)
                met = yield from self._met(visitor, ticket, queue, now)
        return met

    def _met(self, visitor: Visitor, ticket: object, queue: Queue, now: float) -> Flow["Entry | _Obstacle"]:
        """Return how an attempt enters, or the obstacle in its way."""
        if max(now, visitor.waited_until + states.SAME_DOOR) < self._gates.state(self._door).blocked_until:
            return (yield from self._blocked(visitor))
        self._gates.forget_if_calm(self._door)
        policy, state = self._gates.circuit, self.state
        if policy is None or state.is_open(now):
            return Entry.PLAIN
        is_closed = state.circuit.state is CircuitState.CLOSED
        if not is_closed:
            due = _due(state.circuit, policy, visitor, queue)
            if now < due:
                return _opened(state, policy, visitor, now=now, until=due)
        attempt = Attempt(now=now, chance=visitor.draw(), arguments=visitor.arguments)
        enter = self._enter(attempt, self._gates.ahead_of(self.key, ticket))
        entry = yield from self._gates.change_for_all(self.key, enter)
        if entry is not None:
            self._gates.drop_number(queue, ticket)
            return entry
        state = self.state
        if state.circuit.state is not CircuitState.CLOSED:
            return _opened(state, policy, visitor, now=now, until=state.circuit.probe_at)
        return _crowded(state, policy, visitor, now=now)

    def _enter(self, attempt: Attempt, ahead: int) -> Change[Entry | None]:
        rules, is_shared = self._rules, self._gates.link is not None

        def enter(state: GateState, now: float) -> tuple[GateState, Entry | None]:
            if not is_shared:  # else the times come from the clock of the store
                now = max(now, attempt.now)  # a wait skipped by a test does not advance the clock
            return states.after_entering(state, rules, replace(attempt, now=now), ahead=ahead)

        return enter

    def _blocked(self, visitor: Visitor) -> Flow["_Obstacle"]:
        behind = yield from self._gates.change_for_all(
            self._door, lambda state, now: states.after_joining(state, now=now)
        )
        now, door = visitor.clock(), self._gates.state(self._door)
        return _Obstacle(
            reason=Reason.RETRY_AFTER,
            failure=_known(door, door.blocked_until - now),
            until=door.blocked_until + behind + DOOR_SPREAD * visitor.draw(),
            ends=visitor.began + min(visitor.policy.max_retry_after, _longest(visitor.policy)) + DOOR_SPREAD,
            since=now,
        )

    def _change(self, met: "_Obstacle", ticket: object) -> Alarm:
        """Return an alarm that wakes a call which has `met` an obstacle when it is worth checking again."""
        circuit, blocked_until = self.state.circuit, self._gates.state(self._door).blocked_until

        def is_other() -> bool:
            return self.state.circuit != circuit or self._gates.may_begin(self.key, ticket)

        def is_over() -> bool:
            if met.reason is Reason.RETRY_AFTER:
                return abs(self._gates.state(self._door).blocked_until - blocked_until) > states.SAME_DOOR
            return self.state.circuit != circuit

        return is_other if met.reason is Reason.CROWDED else is_over


@dataclass(frozen=True, slots=True, kw_only=True)
class _Obstacle:
    """An obstacle in the way of an attempt.

    Attributes:
        reason: Why the call is answered if it cannot wait.
        failure: The last failure of the tool.
        until: When it will be over, or has to be checked again.
        ends: When the call stops waiting for that.
        since: When it began.
        spread: Seconds over which calls that have waited go on, more if they are many, never more than it lasted;
            None where `until` sees to that.
        may_end_sooner: It may be over at any time.
    """

    reason: Reason
    failure: Failure
    until: float
    ends: float
    since: float
    spread: float | None = None
    may_end_sooner: bool = False


def _due(circuit: Circuit, policy: CircuitPolicy, visitor: Visitor, queue: Queue) -> float:
    """Return when a call may become the probe."""
    if circuit.state is CircuitState.OPEN and circuit.blames_others(visitor.arguments):
        return -math.inf
    due = circuit.probe_at
    if circuit.state is CircuitState.OPEN and visitor.arguments == circuit.last_arguments:
        due += PREFERENCE if queue.holds_others(visitor.arguments) else 0.0
    return max(due, circuit.opened_at + LAST_RETRY * policy.patience) if visitor.is_last_retry else due


def _opened(state: GateState, policy: CircuitPolicy, visitor: Visitor, *, now: float, until: float) -> _Obstacle:
    circuit = state.circuit
    outage = visitor.began if circuit.blames_others(visitor.arguments) else circuit.opened_at
    return _Obstacle(
        reason=Reason.CIRCUIT,
        failure=_known(state, circuit.probe_at - now),
        until=until,
        ends=min(outage + policy.patience, visitor.began + _longest(visitor.policy)),
        may_end_sooner=circuit.state is CircuitState.PROBING,
        since=circuit.opened_at,
        spread=policy.spread,
    )


def _crowded(state: GateState, policy: CircuitPolicy, visitor: Visitor, *, now: float) -> _Obstacle:
    return _Obstacle(
        reason=Reason.CROWDED,
        failure=_known(state, None),
        until=math.inf,
        ends=visitor.began + min(policy.patience, _longest(visitor.policy)),
        may_end_sooner=True,
        since=now,
        spread=0.0,
    )


def _longest(policy: RetryPolicy) -> float:
    """Return the seconds that a call may take; infinite for no limit."""
    return math.inf if policy.deadline is None else policy.deadline


def _known(state: GateState, seconds: float | None) -> Failure:
    """Return the last failure as that of a call that was not run; the next probe is due in `seconds`."""
    failure = state.failure or states.without_words(Failure(category=ErrorCategory.RETRYABLE))
    return failure if seconds is None else replace(failure, retry_after=round(max(0.0, seconds), 1))


def _either(one: Alarm | None, other: Alarm) -> Alarm:
    return other if one is None else lambda: one() or other()
