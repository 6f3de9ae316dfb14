"""The circuit: while a tool is known to be down, only one call at a time tries it, until it is back.

The transitions, each a pure function from one `Circuit` to the next:

    closed --[failures in a row]--> open --[time of the probe]--> probing --[success]--> closed
                                      ^                              |
                                      +--[failure: next one later]---+--[given back: next one at once]

Either enough failures or enough time opens it: a worker with few calls sees two failures in a row, not five.

Any success closes it, that of the probe or of a call that began before it opened: something works. Other calls that
fail while it is open began before that, so they are no news. While all failures had the same arguments, those may be
to blame and not the tool, so a call with other arguments becomes the next probe at once.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.gate_policies import CircuitPolicy

_COUNTED = frozenset({ErrorCategory.RETRYABLE, ErrorCategory.TIMEOUT, ErrorCategory.NETWORK})
_CLIENT_ERRORS = range(400, 500)


class CircuitState(StrEnum):
    """What happens to a call of the tool."""

    CLOSED = "closed"
    """It goes ahead."""
    OPEN = "open"
    """It waits for the next probe, or is answered without running."""
    PROBING = "probing"
    """It waits for the result of the probe, which is under way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """The state of one circuit; all times are by the clock of whoever asks.

    Attributes:
        state: One of three.
        failures: Counted failures in a row.
        failing_since: Time of the first of them.
        arguments: A digest of the arguments that all of them had; None when they differ or are unknown.
        last_arguments: The digest of the last failure.
        opened_at: When the outage began, that is, when the circuit first opened; 0.0 for never.
        closed_at: When it last closed again.
        probe_at: When the next probe may go, even if the last one has not come back. Has no meaning while closed.
    """

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    failing_since: float = 0.0
    arguments: str | None = None
    last_arguments: str | None = None
    opened_at: float = 0.0
    closed_at: float = 0.0
    probe_at: float = 0.0

    def blames_others(self, arguments: str | None) -> bool:
        """Return whether all failures had the same arguments, other than these: the tool may not be to blame."""
        return self.arguments is not None and arguments is not None and self.arguments != arguments


CLOSED = Circuit()


def is_counted(failure: Failure) -> bool:
    """Return whether `failure` says that the service is down.

    A service that answers that the client is wrong or sends too much is not down.
    """
    return failure.category in _COUNTED and not failure.throttled and failure.status_code not in _CLIENT_ERRORS


def after_failure(
    circuit: Circuit, policy: CircuitPolicy, *, now: float, chance: float, arguments: str | None = None
) -> Circuit:
    """Return the circuit after a counted failure of a call that is not the probe."""
    if circuit.state is not CircuitState.CLOSED:
        return circuit
    failed = _failed(circuit, now=now, arguments=arguments)
    is_lasting = failed.failures > 1 and now - failed.failing_since >= policy.failing_for
    if failed.failures < policy.failures and not is_lasting:
        return failed
    is_the_same_outage = failed.opened_at and now - failed.closed_at < policy.patience
    opened_at = failed.opened_at if is_the_same_outage else now
    return _open(replace(failed, opened_at=opened_at), policy, now=now, chance=chance)


def after_failed_probe(
    circuit: Circuit, policy: CircuitPolicy, *, now: float, chance: float, arguments: str | None = None
) -> Circuit:
    """Return the circuit after a counted failure of the probe."""
    if circuit.state is CircuitState.CLOSED:  # a reset came first
        return after_failure(circuit, policy, now=now, chance=chance, arguments=arguments)
    return _open(_failed(circuit, now=now, arguments=arguments), policy, now=now, chance=chance)


def after_success(circuit: Circuit, policy: CircuitPolicy, *, now: float) -> Circuit:
    """Return the circuit after a success; it remembers the outage for a while, since it may return."""
    if circuit.state is not CircuitState.CLOSED:
        return Circuit(opened_at=circuit.opened_at, closed_at=now)
    is_over = now - circuit.closed_at >= policy.patience
    return CLOSED if is_over else Circuit(opened_at=circuit.opened_at, closed_at=circuit.closed_at)


def probing(
    circuit: Circuit, policy: CircuitPolicy, *, now: float, chance: float, arguments: str | None = None
) -> Circuit | None:
    """Return the circuit with a probe under way, or None when none is due."""
    if circuit.state is CircuitState.CLOSED:
        return None
    is_overdue = circuit.state is CircuitState.OPEN and circuit.blames_others(arguments)
    if now < circuit.probe_at and not is_overdue:
        return None
    probe_at = now + policy.verdict_within + _until_next_probe(circuit, policy, now=now, chance=chance)
    return replace(circuit, state=CircuitState.PROBING, probe_at=probe_at)


def probe_given_back(circuit: Circuit, *, now: float) -> Circuit:
    """Return the circuit after a probe that was canceled and so has no result: the next call is the probe."""
    if circuit.state is CircuitState.CLOSED:
        return circuit
    return replace(circuit, state=CircuitState.OPEN, probe_at=now)


def _failed(circuit: Circuit, *, now: float, arguments: str | None) -> Circuit:
    is_first = not circuit.failures
    return replace(
        circuit,
        failures=circuit.failures + 1,
        failing_since=now if is_first else circuit.failing_since,
        arguments=arguments if is_first or arguments == circuit.arguments else None,
        last_arguments=arguments,
    )


def _open(circuit: Circuit, policy: CircuitPolicy, *, now: float, chance: float) -> Circuit:
    probe_at = now + _until_next_probe(circuit, policy, now=now, chance=chance)
    return replace(circuit, state=CircuitState.OPEN, probe_at=probe_at)


def _until_next_probe(circuit: Circuit, policy: CircuitPolicy, *, now: float, chance: float) -> float:
    after = max(policy.probe_after, policy.probe_share * (now - circuit.opened_at))
    return min(after, policy.max_probe_after) * (1 - policy.jitter * chance)
