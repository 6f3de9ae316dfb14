"""An error under examination, and the facts about its class."""

import builtins
import sys
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Any  # attributes of foreign objects are of any type

from agent_tools._classify.naming import EXACT_NAMES_BY_ROLE, NAMES_BY_ROLE, roles_of
from agent_tools._classify.reading import args_of, bare_name, read, text

_MOST_BASES = 64
_MOST_ATTRIBUTES = 64

# A metaclass can shadow these names; the descriptors of `type` itself cannot be shadowed.
_mro_of = type.__dict__["__mro__"].__get__
_module_of = type.__dict__["__module__"].__get__
_namespace_of = type.__dict__["__dict__"].__get__
_dict_of = BaseException.__dict__["__dict__"].__get__

_IDS_OF_BUILTIN_ERRORS = frozenset(
    id(each) for each in vars(builtins).values() if isinstance(each, type) and issubclass(each, BaseException)
)
PLAIN_TYPES = (str, int, float, bool, bytes, type(None))
_PLAIN_BASES = (object, BaseException, Exception)


@dataclass(frozen=True, slots=True, eq=False)
class Kind:
    """Facts about the class of an error.

    Attributes:
        name: Its bare name, fit for logs.
        names: `rootmodule.ClassName` of the class and its bases, most derived first.
        roots: The root modules of all of them.
        foreign: Whether the class comes from an application or a library, not from Python itself.
        builtin: Whether it is one of Python's builtin classes.
        attributes: The names that the class and its bases define; None when an instance may have any.
    """

    name: str
    names: tuple[str, ...]
    roots: frozenset[str]
    foreign: bool
    builtin: bool
    attributes: frozenset[str] | None


class Subject:
    """An error under examination: its class, looked up once, and guarded access to its attributes."""

    __slots__ = ("args", "argument", "error", "kind", "names", "own", "parts")

    def __init__(self, error: BaseException) -> None:
        self.error = error
        self.kind = kind_of(error)
        self.own = _dict_of(error)
        self.args: tuple[Any, ...] = args_of(error)
        self.argument: Any = self.args[0] if self.args else None
        self.parts: list[Any] | None = None
        """The result of `parts_of_bodies`, once it has run."""
        # Many attributes are None, and a name of a class derived from str may lie about its hash.
        pairs = islice(dict.items(self.own), _MOST_ATTRIBUTES)
        names = [name for name, value in pairs if value is not None and type(name) is str]
        self.names = _names_by_role(tuple(names), self.kind)
        """The names of the attributes that may hold a value, by role, the likeliest first."""

    def find(self, role: int) -> Iterable[Any]:
        """Return the values of the attributes with this role, without None and what cannot be read."""
        names = self.names.get(role)
        return self._values_of(names) if names else ()

    def _values_of(self, names: list[str]) -> Iterator[Any]:
        for name in names:
            value = dict.get(self.own, name)
            if value is None:
                value = read(self.error, name)
            if value is not None:
                yield value

    def kept(self) -> Iterable[Any]:
        """Return the values in the error's own `__dict__`."""
        return islice(dict.values(self.own), _MOST_ATTRIBUTES)

    def read(self, name: str) -> Any:
        """Return the attribute called `name`, None when there is none or it cannot be read."""
        # Most errors have no such attribute, and a failed lookup is slow.
        known = self.kind.attributes
        is_there = known is None or name in known or dict.__contains__(self.own, name)
        return read(self.error, name) if is_there else None


def kind_of(error: BaseException) -> Kind:
    """Return the facts about the class of `error`."""
    cls: Any = type(error)  # whether a class can be hashed is up to its metaclass
    try:
        return _kind(cls)
    except KeyboardInterrupt:
        raise
    except BaseException:  # noqa: BLE001  # a metaclass whose classes cannot be hashed or compared
        return _kind.__wrapped__(cls)


# Bounded, since some SDKs make new exception classes for every client.
@lru_cache(maxsize=1024)
def _kind(cls: type) -> Kind:
    bases = _mro_of(cls)[:_MOST_BASES]
    pairs = [(_root(base), bare_name(base)) for base in bases]
    return Kind(
        name=pairs[0][1],
        names=tuple(f"{root}.{name}" for root, name in pairs),
        roots=frozenset(root for root, _ in pairs),
        foreign=pairs[0][0] not in sys.stdlib_module_names,
        builtin=id(cls) in _IDS_OF_BUILTIN_ERRORS,  # by identity: a metaclass may refuse to compare
        attributes=_attributes(bases),
    )


def _root(cls: type) -> str:
    try:
        module = _module_of(cls)
    except AttributeError:
        return ""
    return text(module).partition(".")[0]


def _attributes(bases: Iterable[type]) -> frozenset[str] | None:
    # "is", since a metaclass may define "==" in any way.
    own = [base for base in bases if not any(base is plain for plain in _PLAIN_BASES)]
    names = frozenset(name for base in own for name in _namespace_of(base))
    return None if names & {"__getattr__", "__getattribute__"} else names


@lru_cache(maxsize=2048)
def _names_by_role(own: tuple[str, ...], kind: Kind) -> dict[int, list[str]]:
    """Return, by role, the attributes that may hold such a value on an error with these names of its own."""
    known = kind.attributes
    found: dict[int, list[str]] = {}
    for role, listed in (NAMES_BY_ROLE | EXACT_NAMES_BY_ROLE).items():
        names = [name for name in listed if known is None or name in known or name in own]
        names += [name for name in own if roles_of(name) & role and name not in listed]
        if names:
            found[role] = names
    return found
