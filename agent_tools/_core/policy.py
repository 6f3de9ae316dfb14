"""What users configure: `RetryPolicy`, which refuses nonsense where it is written."""

import math
from collections.abc import Callable, Iterable
from dataclasses import InitVar, dataclass, field
from typing import Any, Literal
from warnings import warn

from agent_tools._core.effects import DoubtfulCall
from agent_tools._core.failure import CategoryName, ErrorCategory, Failure
from agent_tools._core.own_rules import is_async, require_rules
from agent_tools._core.records import ShortRepr, explains_names

_RETRIED_BY_DEFAULT = frozenset({ErrorCategory.RETRYABLE})

#: The names that other libraries use for the same options.
_ADVICE = {
    "max_retries": "use max_attempts, which counts the first call, too (max_retries=3 is max_attempts=4)",
    "retries": "use max_attempts, which counts the first call, too (retries=3 is max_attempts=4)",
    "attempts": "use max_attempts",
    "timeout": "use attempt_timeout for one attempt, or deadline for all of them",
    "backoff_factor": "use multiplier",
    "initial_delay": "use base_delay",
    "initial_interval": "use base_delay",
    "max_interval": "use max_delay",
}


@explains_names(_ADVICE)
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class RetryPolicy(ShortRepr):
    """How often and how long a tool call is tried. All times are seconds.

    Change one with `dataclasses.replace(policy, max_attempts=5)`.

    >>> from agent_tools import RetryPolicy
    >>> patient = RetryPolicy(max_attempts=5, deadline=120.0)
    >>> refund = RetryPolicy(idempotent=False)

    Attributes:
        max_attempts: Attempts in total, the first one included. 1 means no retry.
        base_delay: Longest wait before the first retry.
        multiplier: Factor by which each further wait is longer.
        throttled_delay: Like `base_delay`, after HTTP 429 and similar refusals; these waits double each time.
        max_delay: Longest wait, except when the server asks for a longer one.
        jitter: The random part of each wait, 0.0 for none. With the default a wait lasts 50 to 100 % of its
            full length, so that calls which failed together do not come back together.
        deadline: All attempts and waits of one call end within this time; None for no limit. A sync run checks it
            only between attempts; set `attempt_timeout` as well to get an answer in time there.
        attempt_timeout: Longest time of one attempt; None for no limit but the deadline. An async tool is
            canceled and awaited, and canceled again each second until it ends, so keep its cleanup shorter than
            that. A sync tool runs in a thread of its own, which nothing can stop: the model reads that it may still
            be running, and its late result is dropped.
        max_retry_after: Longest `Retry-After` that is waited for. If a server asks for more, the call is given up
            and the model reads how long the wait would be. A shorter wait holds for all calls to that server.
        retry_on: The categories that are retried.
        classify: Rules for the errors of this tool, tried before all others; see `ToolErrorHandler`.
        idempotent: True when calling the tool twice does no harm, False when it does (a refund). Then
            the tool runs again only if the attempt is known to have changed nothing, which needs the request hook
            (`send_idempotency_key`) or `verify`. None: not declared; it is retried as `retry_on` says.
        verify: A sync or async function of a `DoubtfulCall`, called after a failure that may have acted: did the call
            happen? It returns the call's result, as the tool would have; True when it happened but there is no
            result to show; False when it did not happen, which makes a retry safe (even after a timeout or a broken
            connection); or None when that is unknown. If it raises a passing error it is retried like a tool; after
            any other error the outcome stays unknown. Its time counts toward the `deadline`. A tool with a `verify`
            is `idempotent=False` unless declared otherwise.
        verify_after: Seconds to wait before `verify` is called, for services that show their effects late.
        failed_when: Decides whether a returned `ToolMessage` or `Command` is a failure. It returns a category, a whole
            `Failure`, True for one that is retried, or False. None: a result is a failure when its status says so.
        key_by: Which calls share an `idempotency_key()`. "call": none, the key depends on the call's place in its
            message. "arguments": those with the same tool and arguments, so a call that the model repeats keeps
            the key of the first.
    """

    max_attempts: int = 3
    base_delay: float = 0.4
    multiplier: float = 5.0
    throttled_delay: float = 2.0
    max_delay: float = 20.0
    jitter: float = 0.5
    deadline: float | None = 60.0
    attempt_timeout: float | None = None
    max_retry_after: float = 120.0
    retry_on: Iterable[ErrorCategory | CategoryName] = _RETRIED_BY_DEFAULT
    classify: Any = ()  # agent_tools._classify.Rules, which is above this floor
    idempotent: bool | None = None
    verify: Callable[[DoubtfulCall], Any] | None = None
    verify_after: float = 0.0
    failed_when: Callable[[Any], bool | str | Failure | None] | None = None
    key_by: Literal["call", "arguments"] = "call"
    share_waits: InitVar[bool | None] = None
    """Has no effect any more: a `Retry-After` always holds for all calls."""
    longest_attempt: float = field(init=False, repr=False, compare=False)
    """Seconds that the first attempt may take; infinite for no limit."""

    def __post_init__(self, share_waits: bool | None) -> None:  # the field
        """Refuse nonsense here, where the mistake is, not on the first failure."""
        if share_waits is not None:
            warn("share_waits has no effect any more: waits are always shared", DeprecationWarning, stacklevel=4)
        require_count("max_attempts", self.max_attempts)
        for name in ("base_delay", "throttled_delay", "max_delay", "max_retry_after", "verify_after"):
            require_seconds(name, getattr(self, name))
        require_multiplier("multiplier", self.multiplier)
        require_fraction("jitter", self.jitter)
        for name in ("deadline", "attempt_timeout"):
            _require_limit(name, getattr(self, name))
        if self.idempotent is not None and not isinstance(self.idempotent, bool):
            raise TypeError(f"idempotent must be True, False or None, not {self.idempotent!r}")
        require_rules("classify", self.classify)
        _require_verify(self)
        if self.failed_when is not None and not callable(self.failed_when):
            raise TypeError(f"failed_when must be a function of the result, or None, not {self.failed_when!r}")
        if is_async(self.failed_when):
            raise TypeError(f"failed_when must not be async, as {self.failed_when!r} is: a coroutine is always true")
        if self.key_by not in ("call", "arguments"):
            raise ValueError(f"key_by must be 'call' or 'arguments', not {self.key_by!r}")
        if self.verify is not None and self.idempotent is None:
            object.__setattr__(self, "idempotent", False)
        object.__setattr__(self, "retry_on", _categories(self.retry_on))
        limits = [limit for limit in (self.attempt_timeout, self.deadline) if limit is not None]
        object.__setattr__(self, "longest_attempt", min(limits, default=math.inf))


def _require_verify(policy: RetryPolicy) -> None:
    if policy.verify is not None and not callable(policy.verify):
        raise TypeError(f"verify must be a function of a DoubtfulCall, or None, not {policy.verify!r}")
    if policy.deadline is not None and policy.verify_after >= policy.deadline:
        raise ValueError(f"verify_after must be below the deadline, {policy.deadline!r}, not {policy.verify_after!r}")


def require_count(name: str, value: object) -> None:
    """Raise unless `value` is a whole number, at least 1."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{name} must be a whole number, at least 1, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} must be at least 1, not {value!r}")


def require_seconds(name: str, value: object) -> None:
    """Raise unless `value` is a finite number of seconds, at least 0."""
    if not _is_number(value) or value < 0:  # type: ignore[operator]  # _is_number has just said so
        raise ValueError(f"{name} must be a finite number of seconds, at least 0, not {value!r}")


def require_multiplier(name: str, value: object) -> None:
    """Raise unless `value` is a finite number, at least 1."""
    if not _is_number(value) or value < 1:  # type: ignore[operator]  # see above
        raise ValueError(f"{name} must be a finite number, at least 1, not {value!r}")


def require_fraction(name: str, value: object) -> None:
    """Raise unless `value` is a number from 0 to 1."""
    if not _is_number(value) or not 0 <= value <= 1:  # type: ignore[operator]  # see above
        raise ValueError(f"{name} must be a number from 0 to 1, not {value!r}")


def _require_limit(name: str, value: float | None) -> None:
    if value is not None and (not _is_number(value) or value <= 0):
        raise ValueError(f"{name} must be a finite number of seconds above 0, or None, not {value!r}")


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _categories(given: Iterable[object]) -> frozenset[ErrorCategory]:
    if isinstance(given, str) or not isinstance(given, Iterable):
        raise TypeError(f"retry_on must be a set of categories, not {given!r}")
    names = [category.value for category in ErrorCategory]
    named = list(given)  # an iterator can be read once
    for category in named:
        if category not in names:
            hint = "; error types go into `classify`" if isinstance(category, type) else ""
            raise ValueError(f"retry_on names {category!r}, but the categories are {', '.join(names)}{hint}")
    return frozenset(category for category in ErrorCategory if category in named)
