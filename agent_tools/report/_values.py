"""Values from artifacts and streams, which may hold anything."""

import math
from enum import StrEnum
from typing import TypeVar

WordT = TypeVar("WordT", bound=StrEnum)


def word(words: type[WordT], value: object) -> WordT | None:
    """Return the member of `words` that `value` names, None if it names none."""
    return words(value) if isinstance(value, str) and value in list(words) else None


def number(value: object) -> int | None:
    """Return `value` if it is a whole number, else None."""
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def seconds(value: object) -> float:
    """Return `value` if it is a finite number of seconds, else 0."""
    return float(value) if isinstance(value, int | float) and 0 <= value < math.inf else 0.0


def name(value: object) -> str | None:
    """Return `value` if it is the name of a class, else None."""
    return value if isinstance(value, str) and value.isidentifier() else None
