"""What all records that users create share: they name a misspelled field, and print only what was set."""

from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields
from difflib import get_close_matches
from functools import wraps
from inspect import signature
from typing import Any, TypeVar

ClassT = TypeVar("ClassT", bound=type)


def shown(value: object) -> str:
    """Return `value` for a repr: functions and other objects by name, never by address."""
    if isinstance(value, Mapping):
        return f"{{{', '.join(f'{shown(key)}: {shown(each)}' for key, each in value.items())}}}"
    if isinstance(value, list | tuple | set | frozenset):
        listed = map(shown, value) if isinstance(value, list | tuple) else sorted(map(shown, value))
        return f"[{', '.join(listed)}]"
    if callable(value):  # a partial may hold a secret
        return getattr(value, "__name__", type(value).__name__)
    text = repr(value)
    return type(value).__name__ if " at 0x" in text else text


class ShortRepr:
    """Prints the fields that differ from their defaults."""

    __slots__ = ()

    def __repr__(self) -> str:
        given = [f"{each.name}={shown(getattr(self, each.name))}" for each in fields(self) if self._is_shown(each)]  # type: ignore[arg-type]  # only for dataclasses
        return f"{type(self).__name__}({', '.join(given)})"

    def _is_shown(self, field: Field[Any]) -> bool:
        default = field.default if field.default_factory is MISSING else field.default_factory()
        return field.repr and bool(default is MISSING or getattr(self, field.name) != default)


def explains_names(advice: Mapping[str, str]) -> Callable[[ClassT], ClassT]:
    """Return a decorator for a dataclass that answers an unknown field with the field that was probably meant.

    Args:
        advice: What to say about the names that other libraries use for the same thing.
    """

    def explaining(cls: ClassT) -> ClassT:
        init = cls.__init__  # type: ignore[misc]  # of the class, not of an instance
        known = set(signature(init).parameters) - {"self"}  # not `fields`, which leaves out an `InitVar`

        @wraps(init)
        def __init__(self: Any, *args: Any, **options: Any) -> None:  # noqa: N807
            for name in options.keys() - known:
                raise TypeError(f"{cls.__name__} has no {name}{_hint(name, known, advice)}")
            init(self, *args, **options)

        cls.__init__ = __init__  # type: ignore[misc]
        return cls

    return explaining


def _hint(name: str, known: set[str], advice: Mapping[str, str]) -> str:
    if name in advice:
        return f": {advice[name]}"
    alike = get_close_matches(name, known, n=1)
    return f": did you mean {alike[0]}?" if alike else f"; it has {', '.join(sorted(known))}"
