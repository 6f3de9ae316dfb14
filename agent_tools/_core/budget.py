"""The retry budget: what the retries of a tool cost, and how it refills.

The retries of one call do no harm; those of all calls together turn a stumble into an outage. So they share
tokens: a retry takes some, a call that works puts some back. While most calls work, nobody notices. When
many fail, the tokens are soon gone, and each call makes one attempt and no more. The same happens while tokens are
left if more of the latest attempts fail than a passing stumble explains.
"""

from dataclasses import dataclass, replace

from agent_tools._core.gate_policies import BudgetPolicy

#: How many attempts count as the latest: each new attempt multiplies the weight of the older ones by 1 - 1/LATEST.
LATEST = 32

#: A retry counts as this many first attempts, since it shows whether retries help.
RETRY_COUNTS = 3

#: A share of failures below this counts as none.
_NONE = 1 / (2 * LATEST)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """The state of one budget.

    Attributes:
        policy: Its limits.
        tokens: How many are left.
        failing: The part of the latest attempts that failed.
    """

    policy: BudgetPolicy
    tokens: int
    failing: float = 0.0


def full(policy: BudgetPolicy) -> Budget:
    """Return the budget of calls that have not failed yet."""
    return Budget(policy=policy, tokens=policy.tokens)


def after_failure(budget: Budget, *, is_retry: bool = False) -> Budget:
    """Return the budget after an attempt that failed because of the service."""
    weight = (1 - 1 / LATEST) ** (RETRY_COUNTS if is_retry else 1)
    return replace(budget, failing=1 - (1 - budget.failing) * weight)


def after_success(budget: Budget, *, repaid: int | None) -> Budget:
    """Return the budget after a call that worked; `repaid` are the tokens of its last retry, None without one."""
    failing = budget.failing * (1 - 1 / LATEST) ** (1 if repaid is None else RETRY_COUNTS)
    earned = budget.policy.success_gain if repaid is None else repaid
    return replace(with_tokens(budget, earned), failing=failing if failing > _NONE else 0.0)


def after_outage(budget: Budget) -> Budget:
    """Return the budget when the service is back: earlier failures weigh less, so the next attempts decide."""
    return replace(budget, failing=min(budget.failing, budget.policy.max_failing))


def after_late_failure(budget: Budget) -> Budget:
    """Return the budget after a failure of before the service came back: it counts as if it had been known then."""
    return replace(budget, failing=max(budget.failing, after_outage(after_failure(budget)).failing))


def with_tokens(budget: Budget, tokens: int) -> Budget:
    """Return the budget with `tokens` added; a negative number takes them."""
    return replace(budget, tokens=min(budget.policy.tokens, budget.tokens + tokens))


def affords(budget: Budget, cost: int) -> bool:
    """Return whether the budget allows a retry that takes `cost` tokens."""
    return budget.tokens >= cost and budget.failing <= budget.policy.max_failing
