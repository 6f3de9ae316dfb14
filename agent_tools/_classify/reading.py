"""Safe access to exceptions that nobody has vetted.

An attribute may raise, warn, return anything or lie about its class. So every read goes through here,
types come from `type()` and never from `__class__`, values come back as plain `int` and `str`, and
nothing is read that could block on a network: no body that has not arrived yet, no text.
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any  # attributes of foreign objects are of any type

_LONGEST_TEXT = 200
_LONGEST_NAME = 80
_MOST_ITEMS = 200

# A metaclass can shadow these names; the descriptors of `type` itself cannot be shadowed.
_name_of = type.__dict__["__name__"].__get__
cause_of = BaseException.__dict__["__cause__"].__get__
"""The `__cause__` of an error, whatever its class makes of that name."""
args_of = BaseException.__dict__["args"].__get__
"""The `args` of an error, whatever its class makes of that name."""


def bare_name(cls: type) -> str:
    """Return the name of a class in a form fit for logs: a short identifier."""
    short: str = _name_of(cls)[:_LONGEST_NAME]
    if short.isidentifier():
        return short
    ascii_only = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in short)
    return ascii_only if ascii_only.isidentifier() else f"_{ascii_only}"[:_LONGEST_NAME]


def name_of(value: object) -> str:
    """Return the bare name of the class of `value`."""
    return bare_name(type(value))


def is_a(value: object, cls: type | tuple[type, ...]) -> bool:
    """Return whether `value` is an instance of `cls`, without running any code of `value`."""
    return issubclass(type(value), cls)


def read(thing: Any, name: str) -> Any:
    """Return the attribute or, of a dict, the item called `name`; None when there is none or it cannot be read."""
    try:
        if issubclass(type(thing), dict):
            value = dict.get(thing, name)
            if value is not None or type(thing) is dict:
                return value
        return getattr(thing, name, None)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # an attribute that raises counts as missing
        return None


def values_of(thing: Any, names: Iterable[str]) -> Iterator[Any]:
    """Yield what `read` returns for each of the names, without None."""
    is_dict = issubclass(type(thing), dict)
    for name in names:
        try:  # most of these names are missing, so they are not worth a call each
            value = read(thing, name) if is_dict else getattr(thing, name, None)
        except KeyboardInterrupt:
            raise
        except BaseException:  # noqa: BLE001, S112  # as above
            continue
        if value is not None:
            yield value


def call(thing: Any, name: str, *args: object) -> Any:
    """Return what the method `name` returns, or None. Only for methods known to have no side effects."""
    method = read(thing, name)
    try:
        return method(*args) if callable(method) else None
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # as above
        return None


def number(value: object) -> int | None:
    """Return `value` as a plain int, or None. A bool does not count."""
    if type(value) is int:
        return value
    if issubclass(type(value), int) and type(value) is not bool:
        return int.__int__(value)  # type: ignore[arg-type]  # an int enum, such as http.HTTPStatus
    return None


def text(value: Any, *, limit: int = _LONGEST_TEXT) -> str:
    """Return the first `limit` characters of a text, or "" when `value` is not a text; `str()` is never called."""
    if type(value) is str:
        return value[:limit]
    if issubclass(type(value), str):
        return str.__getitem__(value, slice(0, limit))
    if issubclass(type(value), bytes):
        return bytes.__getitem__(value, slice(0, limit)).decode("latin-1")
    return ""


def members(value: Any, part: slice) -> list[Any]:
    """Return a part of a list or tuple; an empty list for anything else."""
    if issubclass(type(value), list):
        return list.__getitem__(value, part)
    return list(tuple.__getitem__(value, part)) if issubclass(type(value), tuple) else []


def items(thing: Any) -> Iterable[tuple[Any, Any]]:
    """Return the pairs of a mapping, or of a list of pairs; nothing for anything else."""
    if issubclass(type(thing), dict):
        return list(islice(dict.items(thing), _MOST_ITEMS))
    return _pairs_in(thing if is_a(thing, (list, tuple)) else call(thing, "items"))


def _pairs_in(pairs: Any) -> Iterator[tuple[Any, Any]]:
    try:
        for pair in islice(iter(pairs), _MOST_ITEMS):
            if issubclass(type(pair), tuple) and tuple.__len__(pair) == 2:  # noqa: PLR2004  # a pair
                yield tuple.__getitem__(pair, 0), tuple.__getitem__(pair, 1)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # keep what could be read so far
        return
