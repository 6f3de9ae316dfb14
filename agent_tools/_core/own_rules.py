"""Checks of the rules that users write, made where they are written."""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches
from inspect import iscoroutinefunction

from agent_tools._core.failure import ErrorCategory


def is_async(given: object) -> bool:
    """Return whether the result of calling `given` must be awaited, as far as can be seen without calling it."""
    return iscoroutinefunction(given) or iscoroutinefunction(getattr(given, "__call__", None))  # noqa: B004  # its hook


def require_rules(name: str, rules: object) -> None:
    """Raise unless `rules` can be called: better here than at the first failure.

    Raises:
        TypeError: Something in it is not a rule.
        ValueError: A mapping names a category that does not exist.
    """
    if isinstance(rules, Mapping):
        for key, category in rules.items():
            _require_pair(name, key, category)
    elif isinstance(rules, str) or not callable(rules):
        if isinstance(rules, str) or not isinstance(rules, Iterable):
            raise TypeError(f"{name} must be a function, a mapping or a sequence of them, not {rules!r}")
        for rule in rules:
            require_rules(name, rule)
    elif is_async(rules):
        raise TypeError(f"{name} must not be async, since nobody awaits it: {rules!r}")


def _require_pair(name: str, key: object, category: object) -> None:
    if not callable(key) or (isinstance(key, type) and not issubclass(key, BaseException)):
        raise TypeError(f"{name} must map error types or functions of the error, not {key!r}")
    if not isinstance(key, type) and is_async(key):  # a coroutine is always true
        raise TypeError(f"{name} must not be async, since nobody awaits it: {key!r}")
    names = [each.value for each in ErrorCategory]
    if category not in names:
        rule = getattr(key, "__name__", repr(key))
        raise ValueError(
            f"{name} maps {rule} to {category!r}, but the categories are {', '.join(names)}{_hint(category)}"
        )


def _hint(category: object) -> str:
    names = [each.value for each in ErrorCategory]
    alike = get_close_matches(category.lower(), names, n=1) if isinstance(category, str) else []
    return f": did you mean {alike[0]!r}?" if alike else ""
