"""What users configure of a gate: `BudgetPolicy` and `CircuitPolicy`."""

from dataclasses import dataclass

from agent_tools._core.failure import Failure
from agent_tools._core.policy import require_count, require_fraction, require_seconds
from agent_tools._core.records import ShortRepr, explains_names


@explains_names({})
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class BudgetPolicy(ShortRepr):
    """How many retries the calls of a tool share; it never blocks a first attempt.

    The tokens are those of botocore 1.44: 35 retries in a burst, then one for 14 calls that work.

    >>> from agent_tools import BudgetPolicy, ResilientToolNode
    >>> node = ResilientToolNode([], budget=BudgetPolicy(tokens=100))

    Attributes:
        tokens: How many there are at first, and the most there can be.
        transient_cost: Tokens that a retry takes.
        throttled_cost: Tokens that a retry takes after HTTP 429 and similar refusals.
        success_gain: Tokens that a call puts back when it works at once. One that works after a retry puts
            back what its last retry took.
        max_failing: No retry is made while more than this part of the latest attempts (about 32) failed in a way that
            shows that the service is down or cannot keep up: it would only add to the load. 1.0 for no such limit.
    """

    tokens: int = 500
    transient_cost: int = 14
    throttled_cost: int = 5
    success_gain: int = 1
    max_failing: float = 0.4

    def __post_init__(self) -> None:
        """Refuse nonsense here, where the mistake is."""
        for name in ("tokens", "transient_cost", "throttled_cost", "success_gain"):
            require_count(name, getattr(self, name))
        require_fraction("max_failing", self.max_failing)

    def cost_of_retry(self, failure: Failure) -> int:
        """Return the tokens that a retry after `failure` takes."""
        return self.throttled_cost if failure.throttled else self.transient_cost


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
