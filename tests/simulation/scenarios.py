"""The scenarios: how a service is sick, with numbers, and the limits that `ResilientToolNode` must meet."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from functools import partial

from tests.simulation.behaviors import Crowded, Down, Flaky, Hanging, Healthy, RateLimiting, Refusing, Span
from tests.simulation.load import OPERATIONS_A_SECOND, SICK_SHARE, Operation, operations
from tests.simulation.service import Behavior

WARM_UP = 10.0
TROUBLE = 40.0
BLIP = 3.0
OUTAGE = 12.0
TAIL = 40.0


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit for one figure: at most or at least a value."""

    metric: str
    at_most: float | None = None
    at_least: float | None = None

    def is_met(self, figure: float) -> bool:
        """Return whether `figure` meets the limit."""
        if self.at_most is not None:
            return figure <= self.at_most
        return self.at_least is not None and figure >= self.at_least

    def __str__(self) -> str:
        return f"<= {self.at_most:g}" if self.at_most is not None else f">= {self.at_least:g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One way in which a service is sick.

    Attributes:
        name: Its name.
        happens: A short description.
        sickness: Creates the behavior of the sick service.
        limits: The limits that `ResilientToolNode` must meet.
        warm_up: Seconds before the trouble begins.
        trouble: Seconds that the trouble lasts.
        tail: Seconds after it in which operations are still begun.
        rate: Operations per second.
        sick_share: The share of operations on the sick service.
    """

    name: str
    happens: str
    sickness: Callable[..., Behavior]
    limits: tuple[Limit, ...]
    warm_up: float = WARM_UP
    trouble: float = TROUBLE
    tail: float = TAIL
    rate: float = OPERATIONS_A_SECOND
    sick_share: float = SICK_SHARE

    @property
    def span(self) -> Span:
        """When the trouble begins and ends."""
        return Span(self.warm_up, self.warm_up + self.trouble)

    @property
    def lasts(self) -> float:
        """Seconds until no more operations are begun."""
        return self.span.ends + self.tail

    def load(self, seed: int) -> Iterator[Operation]:
        """Yield the operations, in order of time."""
        return operations(seed=seed, until=self.lasts, rate=self.rate, sick_share=self.sick_share)

    def sick(self, chance: random.Random) -> Behavior:
        """Return the behavior of the sick service."""
        return self.sickness(trouble=self.span, chance=chance)

    def healthy(self, chance: random.Random) -> Behavior:
        """Return the behavior of the other service."""
        return Healthy(trouble=self.span, chance=chance)

    def shortened(self) -> "Scenario":
        """Return the same scenario with less time before and after the trouble."""
        return replace(self, warm_up=2.0, tail=15.0)


#: In all scenarios: the other tool must not suffer.
ALWAYS = (Limit("healthy", at_least=0.999), Limit("healthy p99", at_most=0.5), Limit("crashed", at_most=0))

SCENARIOS = (
    Scenario(
        name="down",
        happens="503 to everything",
        sickness=Down,
        limits=(Limit("amp", at_most=0.10), Limit("median wait", at_most=0.5)),
    ),
    Scenario(
        name="blip",
        happens="503 for 3 s",
        sickness=Down,
        trouble=BLIP,
        limits=(Limit("succeed", at_least=0.98), Limit("amp", at_most=0.5)),
    ),
    Scenario(
        name="outage",
        happens="503 for 12 s",
        sickness=Down,
        trouble=OUTAGE,
        limits=(Limit("amp", at_most=0.15), Limit("median wait", at_most=0.5)),
    ),
    Scenario(name="refuse", happens="no connection", sickness=Refusing, limits=(Limit("amp", at_most=0.10),)),
    Scenario(
        name="brownout",
        happens="30 % of capacity, else 503",
        sickness=partial(Crowded, room=4),
        limits=(Limit("amp", at_most=1.10), Limit("goodput", at_least=0.53)),
    ),
    Scenario(
        name="overload",
        happens="30 % of capacity, long queue",
        sickness=partial(Crowded, room=600),
        limits=(Limit("goodput", at_least=0.40), Limit("wasted", at_most=270)),
    ),
    Scenario(
        name="rate limit",
        happens="429, windows of 10 s",
        sickness=RateLimiting,
        limits=(Limit("early", at_most=0), Limit("goodput", at_least=0.48)),
    ),
    Scenario(
        name="flaky",
        happens="12 % 503, 4 % lost answers",
        sickness=Flaky,
        limits=(Limit("succeed", at_least=0.995), Limit("repeated", at_most=0), Limit("p99", at_most=2.7)),
    ),
    Scenario(
        name="hang",
        happens="no answer",
        sickness=Hanging,
        limits=(Limit("amp", at_most=0.15), Limit("recovery", at_most=3.0)),
    ),
)
#: The limits if many workers share their health.
FLEET_LIMITS_BY_SCENARIO = {
    "down": (Limit("amp", at_most=0.15),),
    "blip": (Limit("succeed", at_least=0.98), Limit("amp", at_most=0.7)),
    "outage": (Limit("amp", at_most=0.25),),
    "refuse": (Limit("amp", at_most=0.15),),
    "brownout": (Limit("amp", at_most=1.65),),
    "overload": (Limit("goodput", at_least=0.40),),
    "rate limit": (Limit("early", at_most=5),),
    "flaky": (Limit("succeed", at_least=0.99), Limit("repeated", at_most=0)),
    "hang": (Limit("amp", at_most=0.25), Limit("recovery", at_most=4.5)),
}
SCENARIO_BY_NAME = {scenario.name: scenario for scenario in SCENARIOS}
