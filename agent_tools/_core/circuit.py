"""The circuit: a tool that is known to be down is asked by one call at a time, until it is back.

The transitions, each a pure function from one `Circuit` to the next:

    closed --[failures in a row]--> open --[time of the probe]--> probing --[success]--> closed
                                      ^                              |
                                      +--[failure: wait longer]------+--[given back: probe anew]

What fails or works beside the probe while the circuit is not closed began before it opened, and says nothing new.
"""

from dataclasses import dataclass, replace
from enum import StrEnum

from agent_tools._core.failure import ErrorCategory, Failure
from agent_tools._core.policy import require_count, require_fraction, require_multiplier, require_seconds

_COUNTED = frozenset({ErrorCategory.RETRYABLE, ErrorCategory.TIMEOUT, ErrorCategory.NETWORK})
_CLIENT_ERRORS = range(400, 500)


@dataclass(frozen=True, slots=True, kw_only=True)
class CircuitPolicy:
    """When a tool counts as down, and how it is found out that it is back. All times are seconds.

    >>> from agent_tools import CircuitPolicy, ResilientToolNode
    >>> node = ResilientToolNode([], circuit=CircuitPolicy(failures=10, patience=0))

    Attributes:
        failures: So many in a row open the circuit.
        probe_after: Time until the first probe.
        multiplier: How much longer the time until the next probe is, each time one fails.
        max_probe_after: It is never longer.
        jitter: The part of that time that is left to chance, so that many processes do not probe together.
        patience: Time for which a call waits for a probe and its verdict. A call that a probe within this time
            might save waits for it; all others are answered at once, with the seconds left. 0 never waits.
        spread: The calls that have waited go on within this time, not all at once.
    """

    failures: int = 5
    probe_after: float = 0.5
    multiplier: float = 2.0
    max_probe_after: float = 30.0
    jitter: float = 0.2
    patience: float = 5.0
    spread: float = 1.0

    def __post_init__(self) -> None:
        """Refuse nonsense here, where the mistake is."""
        require_count("failures", self.failures)
        for name in ("probe_after", "max_probe_after", "patience", "spread"):
            require_seconds(name, getattr(self, name))
        if not self.probe_after:
            raise ValueError("probe_after must be above 0, not 0: probes would follow each other without a pause")
        require_multiplier("multiplier", self.multiplier)
        require_fraction("jitter", self.jitter)


class CircuitState(StrEnum):
    """What happens to a call of the tool."""

    CLOSED = "closed"
    """It goes ahead."""
    OPEN = "open"
    """It waits for the next probe, or is answered without running."""
    PROBING = "probing"
    """It waits for the verdict of the probe, which is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """The state of one circuit.

    Attributes:
        state: One of three.
        failures: Counted failures in a row.
        failed_probes: Probes that have failed since the circuit opened.
        probe_at: When the next probe may go, by the clock of whoever asks; only while open.
    """

    state: CircuitState = CircuitState.CLOSED
    failures: int = 0
    failed_probes: int = 0
    probe_at: float = 0.0


CLOSED = Circuit()


def is_counted(failure: Failure) -> bool:
    """Return whether `failure` says that the service is down.

    One that answers that the client is wrong, or that there is too much of it, is not down.
    """
    return failure.category in _COUNTED and not failure.throttled and failure.status_code not in _CLIENT_ERRORS


def after_failure(circuit: Circuit, policy: CircuitPolicy, *, now: float, chance: float) -> Circuit:
    """Return the circuit after a counted failure of a call that is not the probe."""
    if circuit.state is not CircuitState.CLOSED:
        return circuit
    failures = circuit.failures + 1
    if failures < policy.failures:
        return replace(circuit, failures=failures)
    return _opened(failures, 0, policy, now=now, chance=chance)


def after_failed_probe(circuit: Circuit, policy: CircuitPolicy, *, now: float, chance: float) -> Circuit:
    """Return the circuit after a counted failure of the probe: open again, and for longer."""
    if circuit.state is not CircuitState.PROBING:  # it was reset meanwhile
        return after_failure(circuit, policy, now=now, chance=chance)
    return _opened(circuit.failures + 1, circuit.failed_probes + 1, policy, now=now, chance=chance)


def after_success(circuit: Circuit) -> Circuit:
    """Return the circuit after a success of a call that is not the probe."""
    return CLOSED if circuit.state is CircuitState.CLOSED else circuit


def probing(circuit: Circuit, *, now: float) -> Circuit | None:
    """Return the circuit with a probe on its way, None when it is not the time for one."""
    if circuit.state is not CircuitState.OPEN or now < circuit.probe_at:
        return None
    return replace(circuit, state=CircuitState.PROBING)


def probe_given_back(circuit: Circuit) -> Circuit:
    """Return the circuit after a probe that said nothing, since it was canceled: the next call is the probe."""
    return replace(circuit, state=CircuitState.OPEN) if circuit.state is CircuitState.PROBING else circuit


def _opened(failures: int, failed_probes: int, policy: CircuitPolicy, *, now: float, chance: float) -> Circuit:
    try:
        after = policy.probe_after * policy.multiplier**failed_probes
    except OverflowError:
        after = policy.max_probe_after
    after = min(after, policy.max_probe_after) * (1 - policy.jitter * chance)
    return Circuit(state=CircuitState.OPEN, failures=failures, failed_probes=failed_probes, probe_at=now + after)
