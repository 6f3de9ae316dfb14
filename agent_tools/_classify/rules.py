"""The user's rules, tried before every table.

A rule is a callable that takes the error and returns a category, a whole `Failure`, or None ("not mine"); or a
mapping of exception types and predicates to categories; or a sequence of such rules:

    {MyTimeout: ErrorCategory.TIMEOUT, lambda error: "busy" in str(error): "retryable"}

A rule gets the error itself and, if no rule or table knows it, the error that it wraps. A category
leaves the facts (status, wait, veto ...) as the tables find them; a `Failure` is used as it is. A rule that
raises or returns nonsense is logged, without the text of its exception, and skipped.
"""

import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, TypeAlias, cast

from agent_tools._core.failure import CategoryName, ErrorCategory, Failure

Answer: TypeAlias = ErrorCategory | str | Failure | None
"""What a rule returns; a string is the value of a category."""

Rules: TypeAlias = Callable[[Any], Answer] | Mapping[Any, ErrorCategory | CategoryName] | Sequence["Rules"]
"""What `classify=` takes. `Any`: a rule may be written for one type of error only, and a mapping has error types or
functions as keys, of which no type that holds both would let a dictionary of one of them pass."""

_logger = logging.getLogger("agent_tools")


def ask(rules: Rules, error: Any) -> tuple[str, ErrorCategory | Failure] | None:
    """Return the name of the first rule that knows `error`, and what it returned; None when none does.

    `error` is an exception, or the `ToolMessage` of an error that a tool returned.
    """
    for word, rule in _each(rules):
        answer = _ask_one(word, rule, error)
        if answer is not None:
            return word, answer
    return None


def _each(rules: Rules) -> Iterator[tuple[str, Callable[[BaseException], Answer]]]:
    if isinstance(rules, Mapping):
        for key, category in rules.items():
            yield _word_for(key), _as_rule(key, category)
    elif callable(rules):
        yield _word_for(rules), cast("Callable[[BaseException], Answer]", rules)
    else:
        for rule in rules:
            yield from _each(rule)


def _as_rule(key: Any, category: ErrorCategory | CategoryName) -> Callable[[BaseException], Answer]:
    if isinstance(key, type):
        return lambda error: category if isinstance(error, key) else None
    return lambda error: category if key(error) else None


def _word_for(rule: object) -> str:
    return f"own rule {getattr(rule, '__name__', type(rule).__name__)}"


def _ask_one(
    word: str, rule: Callable[[BaseException], Answer], error: BaseException
) -> ErrorCategory | Failure | None:
    try:
        answer = rule(error)
        if answer is None or isinstance(answer, Failure):
            return answer
        return ErrorCategory(answer)
    except Exception as mistake:  # noqa: BLE001  # whatever the user's code raises
        _logger.warning("%s raised %s and is skipped", word, type(mistake).__name__)
        return None
