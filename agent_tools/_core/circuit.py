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
from agent_tools._core.policy import require_count, require_fraction, require_seconds
from agent_tools._core.records import ShortRepr, explains_names

_COUNTED = frozenset({ErrorCategory.RETRYABLE, ErrorCategory.TIMEOUT, ErrorCategory.NETWORK})
_CLIENT_ERRORS = range(400, 500)


@explains_names({})
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class CircuitPolicy(ShortRepr):
    """When a tool counts as down, and how its return is noticed. All times are seconds.

    It includes the window (`agent_tools._core.window`): when a tool is back after an outage with timeouts, few calls
    are let in at a time, and more with each answer.

    >>> from agent_tools import CircuitPolicy, ResilientToolNode
    >>> node = ResilientToolNode([], circuit=CircuitPolicy(failures=10, patience=0))

    Attributes:
        failures: Number of failures in a row that opens the circuit.
        failing_for: Once the first failure is this many seconds old, a second in a row is enough to open it.
        probe_after: Shortest time until the next probe.
        probe_share: Time until the next probe, as a share of the time that the tool has been down: the longer an
            outage, the later its end may be noticed, in proportion.
        max_probe_after: Longest time until the next probe.
        jitter: The random part of that time, so that many processes do not probe together.
        verdict_within: A probe that takes longer than this no longer delays the next one.
        patience: How long after the circuit opened calls wait for a probe to succeed instead of being answered: it
            may be a blip. After that they are answered at once, with the seconds left; 0 to never wait. It also limits
            how long the window may hold back a call, counted from the call's beginning. An outage that returns within
            this time counts as the same one.
        spread: Time over which the calls that waited go on. Many of them go on at 25 a second, and never over more
            time than the circuit was open.
    """

    failures: int = 5
    failing_for: float = 0.15
    probe_after: float = 0.5
    probe_share: float = 0.025
    max_probe_after: float = 30.0
    jitter: float = 0.2
    verdict_within: float = 1.5
    patience: float = 5.0
    spread: float = 1.0

    def __post_init__(self) -> None:
        """Refuse nonsense here, where the mistake is."""
        require_count("failures", self.failures)
        for name in ("failing_for", "probe_after", "max_probe_after", "verdict_within", "patience", "spread"):
            require_seconds(name, getattr(self, name))
        if not self.probe_after:
            raise ValueError("probe_after must be above 0, not 0: probes would follow each other without a pause")
        for name in ("probe_share", "jitter"):
            require_fraction(name, getattr(self, name))


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
