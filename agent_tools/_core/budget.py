"""The retry budget: what the retries of a tool may cost, and what brings it in.

Each call may fail and be retried; only all of them together turn a stumble into an outage. So they share
tokens: a retry takes some, a call that works brings some back. While most calls work, nobody notices; when
most fail, the tokens are soon gone, and each call makes its one attempt and no more.
"""

from dataclasses import dataclass

from agent_tools._core.failure import Failure
from agent_tools._core.policy import require_count


@dataclass(frozen=True, slots=True, kw_only=True)
class BudgetPolicy:
    """How many retries the calls of a tool share; it never blocks a first attempt.

    The numbers are those of botocore 1.44: 35 retries in a burst, then one for 14 calls that work.

    >>> from agent_tools import BudgetPolicy, ResilientToolNode
    >>> node = ResilientToolNode([], budget=BudgetPolicy(tokens=100))

    Attributes:
        tokens: What there is at first, and at the most.
        transient_cost: Tokens that a retry takes.
        throttled_cost: Tokens that a retry takes after HTTP 429 and its like.
        success_gain: Tokens that a call brings in which works at once. One that works after a retry brings
            back what its last retry took.
    """

    tokens: int = 500
    transient_cost: int = 14
    throttled_cost: int = 5
    success_gain: int = 1

    def __post_init__(self) -> None:
        """Refuse nonsense here, where the mistake is."""
        for name in ("tokens", "transient_cost", "throttled_cost", "success_gain"):
            require_count(name, getattr(self, name))

    def cost_of_retry(self, failure: Failure) -> int:
        """Return the tokens that a retry after `failure` takes."""
        return self.throttled_cost if failure.throttled else self.transient_cost
