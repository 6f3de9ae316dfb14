"""The circuit: a tool that is known to be down is asked by one call at a time, until it is back.

The transitions, each a pure function from one `Circuit` to the next:

    closed --[failures in a row]--> open --[time of the probe]--> probing --[success]--> closed
                                      ^                              |
                                      +--[failure: next one later]---+--[given back: next one at once]

Time counts as well as number: a worker with few calls sees two failures in a row, not five.

Any success closes it, whether that of the probe or of a call that began before it opened: something works. What
fails beside the probe began before it opened, and says nothing new. While all failures had the same arguments, it
may be those and not the tool: then a call with others is the next probe, at once.
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
    """When a tool counts as down, and how it is found out that it is back. All times are seconds.

    With it comes the window (`agent_tools._core.window`): when a tool is back after calls to it had timed out, few are
    let in at a time, and more with each answer.

    >>> from agent_tools import CircuitPolicy, ResilientToolNode
    >>> node = ResilientToolNode([], circuit=CircuitPolicy(failures=10, patience=0))

    Attributes:
        failures: So many in a row open the circuit.
        failing_for: Seconds after the first failure from which on the second in a row opens it.
        probe_after: Least time until the next probe.
        probe_share: Time until the next probe as a share of the time that the tool has been down: so its return is
            noticed with that delay, whether it was down for a minute or an hour.
        max_probe_after: Most time until the next probe.
        jitter: The part of that time that is left to chance, so that many processes do not probe together.
        verdict_within: A probe that takes longer no longer keeps the next one from its time.
        patience: For so long after the circuit opened, calls wait for a probe that works instead of being answered:
            it may be a blip. After that they are answered at once, with the seconds left. 0 for never. Calls that the
            window holds back wait no longer than that, either, each from its own beginning. An outage that returns
            within this time is still the same one.
        spread: Calls that have waited go on within this time, many of them at 25 a second, and never within more
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
    """It waits for the verdict of the probe, which is on its way."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Circuit:
    """The state of one circuit; all times are by the clock of whoever asks.

    Attributes:
        state: One of three.
        failures: Counted failures in a row.
        failing_since: When the first of them was.
        arguments: A digest of the arguments that all of them had; None when they differ, or are unknown.
        last_arguments: That of the last failure.
        opened_at: When the outage began: when the circuit first opened; 0.0 for never.
        closed_at: When it last closed again.
        probe_at: When the next probe may go, even if the last one has not come back; while it is not closed.
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
        """Return whether all failures had the same arguments, but not these: those may be to blame, not the tool."""
        return self.arguments is not None and arguments is not None and self.arguments != arguments


CLOSED = Circuit()


def is_counted(failure: Failure) -> bool:
    """Return whether `failure` says that the service is down.

    One that answers that the client is wrong, or that there is too much of it, is not down.
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
    if circuit.state is CircuitState.CLOSED:  # a reset has overtaken it
        return after_failure(circuit, policy, now=now, chance=chance, arguments=arguments)
    return _open(_failed(circuit, now=now, arguments=arguments), policy, now=now, chance=chance)


def after_success(circuit: Circuit, policy: CircuitPolicy, *, now: float) -> Circuit:
    """Return the circuit when something has worked; for a while it remembers an outage, which may return."""
    if circuit.state is not CircuitState.CLOSED:
        return Circuit(opened_at=circuit.opened_at, closed_at=now)
    is_over = now - circuit.closed_at >= policy.patience
    return CLOSED if is_over else Circuit(opened_at=circuit.opened_at, closed_at=circuit.closed_at)


def probing(
    circuit: Circuit, policy: CircuitPolicy, *, now: float, chance: float, arguments: str | None = None
) -> Circuit | None:
    """Return the circuit with a probe on its way, None when it is not the time for one."""
    if circuit.state is CircuitState.CLOSED:
        return None
    is_overdue = circuit.state is CircuitState.OPEN and circuit.blames_others(arguments)
    if now < circuit.probe_at and not is_overdue:
        return None
    probe_at = now + policy.verdict_within + _until_next_probe(circuit, policy, now=now, chance=chance)
    return replace(circuit, state=CircuitState.PROBING, probe_at=probe_at)


def probe_given_back(circuit: Circuit, *, now: float) -> Circuit:
    """Return the circuit after a probe that said nothing, since it was canceled: the next call is the probe."""
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
