"""Reading exceptions that nobody has vetted.

An attribute may raise, warn, return anything or lie about its class. So every read goes through here,
types are asked by `type()` and never by `__class__`, values come back as plain `int` and `str`, and
nothing is read that could wait for a network: no body that has not arrived yet, no text.
"""

import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any  # attributes of foreign objects are of any type

from agent_tools._classify.naming import NAMES_BY_ROLE, roles_of

_LONGEST_TEXT = 200
_LONGEST_NAME = 80
_MOST_ITEMS = 200
_MOST_BASES = 64
_MOST_ATTRIBUTES = 64

# A metaclass can shadow these names; the descriptors of `type` itself cannot be shadowed.
_mro_of = type.__dict__["__mro__"].__get__
_name_of = type.__dict__["__name__"].__get__
_module_of = type.__dict__["__module__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__
_dict_of = BaseException.__dict__["__dict__"].__get__
cause_of = BaseException.__dict__["__cause__"].__get__
"""The `__cause__` of an error, whatever its class makes of that name."""
args_of = BaseException.__dict__["args"].__get__
"""The `args` of an error, whatever its class makes of that name."""

_PLAIN_TYPES = (str, int, float, bool, bytes, type(None))
_PLAIN_BASES = (object, BaseException, Exception)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """What the class of an error tells.

    Attributes:
        name: Its bare name, fit for logs.
        names: `rootmodule.ClassName` of the class and its bases, most derived first.
        roots: The root modules of all of them.
        foreign: Whether the class comes from an application or a library, not from Python itself.
        attributes: The names that the class and its bases define; None when an instance may have any.
    """

    name: str
    names: tuple[str, ...]
    roots: frozenset[str]
    foreign: bool
    attributes: frozenset[str] | None


class Subject:
    """An error that is asked about: its class, known once, and a guarded way to its attributes."""

    __slots__ = ("_names_by_role", "bodies", "error", "kind", "own")

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.kind = kind_of(error)
        self.own = _dict_of(error)
        self.bodies: list[Any] | None = None
        """What `bodies_of` found, once it was asked."""
        names = tuple(islice(dict.keys(self.own), _MOST_ATTRIBUTES))
        # A name of a class derived from str may lie about its hash.
        self._names_by_role = _names_by_role(tuple(name for name in names if type(name) is str), self.kind)

    def values(self, names: Iterable[str]) -> Iterator[Any]:
        """Yield what the error has under these names, in their order; not None, and not what cannot be read."""
        # Most errors have none of the attributes that are asked for, and a lookup that fails is slow.
        known, own = self.kind.attributes, self.own
        for name in names:
            if known is None or name in known or dict.__contains__(own, name):
                value = read(self.error, name)
                if value is not None:
                    yield value

    def find(self, role: int) -> Iterator[Any]:
        """Yield what the error has under names of a role, the likeliest first."""
        own, error = self.own, self.error
        for name in self._names_by_role.get(role, ()):
            value = dict.get(own, name) if dict.__contains__(own, name) else read(error, name)
            if value is not None:
                yield value

    def named(self, role: int) -> Iterator[tuple[str, Any]]:
        """Yield the same with the names."""
        for name in self._names_by_role.get(role, ()):
            value = self.read(name)
            if value is not None:
                yield name, value

    def kept(self) -> list[Any]:
        """Return what the error itself keeps, whatever it is called, without plain texts and numbers."""
        return [value for value in islice(dict.values(self.own), _MOST_ATTRIBUTES) if not is_a(value, _PLAIN_TYPES)]

    def read(self, name: str) -> Any:
        """Return the attribute called `name`, None when there is none or it cannot be read."""
        return next(self.values((name,)), None)

    @property
    def argument(self) -> Any:
        """The first of the error's `args`, or None."""
        args = args_of(self.error)
        return args[0] if args else None


def kind_of(error: BaseException) -> Kind:
    """Return what the class of `error` tells."""
    cls: Any = type(error)  # whether a class can be hashed is up to its metaclass
    try:
        return _kind(cls)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # a metaclass whose classes cannot be hashed or compared
        return _kind.__wrapped__(cls)


# Bounded, as some SDKs make new exception classes for every client.
@lru_cache(maxsize=1024)
def _kind(cls: type) -> Kind:
    bases = _mro_of(cls)[:_MOST_BASES]
    pairs = [(_root(base), _clean(_name_of(base))) for base in bases]
    return Kind(
        name=pairs[0][1],
        names=tuple(f"{root}.{name}" for root, name in pairs),
        roots=frozenset(root for root, _ in pairs),
        foreign=pairs[0][0] not in sys.stdlib_module_names,
        attributes=_attributes(bases),
    )


def _root(cls: type) -> str:
    try:
        module = _module_of(cls)
    except AttributeError:
        return ""
    return text(module).partition(".")[0]


def _clean(name: str) -> str:
    """Return a class name that is fit for logs: an identifier, and short."""
    short = name[:_LONGEST_NAME]
    if short.isidentifier():
        return short
    ascii_only = "".join(letter if letter.isalnum() and letter.isascii() else "_" for letter in short)
    return ascii_only if ascii_only.isidentifier() else f"_{ascii_only}"[:_LONGEST_NAME]


def _attributes(bases: Iterable[type]) -> frozenset[str] | None:
    # "is", as a metaclass may say anything to "==".
    own = [base for base in bases if not any(base is plain for plain in _PLAIN_BASES)]
    names = frozenset(name for base in own for name in _namespace_of(base))
    return None if names & {"__getattr__", "__getattribute__"} else names


def name_of(value: object) -> str:
    """Return the bare name of the class of `value`."""
    return _clean(_name_of(type(value)))


@lru_cache(maxsize=2048)
def _names_by_role(own: tuple[str, ...], kind: Kind) -> dict[int, list[str]]:
    """Return where an error that keeps attributes of these names may have what is asked for, by role."""
    known = kind.attributes
    found: dict[int, list[str]] = {}
    for role, listed in NAMES_BY_ROLE.items():
        names = [name for name in listed if known is None or name in known or name in own]
        names += [name for name in own if name not in listed and roles_of(name) & role]
        if names:
            found[role] = names
    return found


def is_a(value: object, cls: type | tuple[type, ...]) -> bool:
    """Return whether `value` is an instance of `cls`, without asking `value`."""
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
    except BaseException:  # noqa: BLE001  # whatever an attribute raises, it is not there
        return None


def call(thing: Any, name: str, *args: object) -> Any:
    """Return what the method `name` returns, or None. Only for methods known to do nothing but answer."""
    method = read(thing, name)
    try:
        return method(*args) if callable(method) else None
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # as above
        return None


def number(value: object) -> int | None:
    """Return `value` as a plain int, or None. A bool is no number."""
    if type(value) is int:
        return value
    if is_a(value, int) and type(value) is not bool:
        return int.__int__(value)  # type: ignore[arg-type]  # an enum of numbers, as http.HTTPStatus
    return None


def text(value: Any, *, limit: int = _LONGEST_TEXT) -> str:
    """Return the first `limit` characters of a text, or "" when `value` is none; `str()` is never called."""
    if type(value) is str:
        return value[:limit]
    if is_a(value, str):
        return str.__getitem__(value, slice(0, limit))
    if is_a(value, bytes):
        return bytes.__getitem__(value, slice(0, limit)).decode("latin-1")
    return ""


def members(value: Any, part: slice) -> list[Any]:
    """Return a part of a list or tuple; nothing of anything else."""
    if is_a(value, list):
        return list.__getitem__(value, part)
    return list(tuple.__getitem__(value, part)) if is_a(value, tuple) else []


def items(thing: Any) -> Iterator[tuple[Any, Any]]:
    """Yield the pairs of a mapping, or of a list of pairs; nothing of anything else."""
    if issubclass(type(thing), dict):
        pairs: Any = dict.items(thing)
    elif is_a(thing, list) or is_a(thing, tuple):
        pairs = thing
    else:
        pairs = call(thing, "items")
    try:
        for pair in islice(iter(pairs), _MOST_ITEMS):
            if issubclass(type(pair), tuple) and tuple.__len__(pair) == 2:  # noqa: PLR2004  # a pair
                yield tuple.__getitem__(pair, 0), tuple.__getitem__(pair, 1)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # what could be read has been read
        return
