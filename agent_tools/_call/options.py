"""The options that handler, node and middleware have in common."""

import inspect
from collections.abc import Mapping
from difflib import get_close_matches
from inspect import Parameter
from textwrap import indent
from typing import TypedDict, TypeVar

from langchain_core.tools import ToolException

from agent_tools._call.listeners import Observer, OnAuthFailure
from agent_tools._call.settings import ShareKey
from agent_tools._call.texts import Texts
from agent_tools._classify import Rules
from agent_tools._core.gate_policies import BudgetPolicy, CircuitPolicy
from agent_tools._core.loop_guard import LoopGuard
from agent_tools._core.policy import RetryPolicy
from agent_tools._core.records import shown
from agent_tools._gate.store import Store


class HandlerOptions(TypedDict, total=False):
    """The options of `ToolErrorHandler`, `ResilientToolNode` and `ResilientToolMiddleware`.

    Attributes:
        policy: How often and for how long a call is tried; None for `RetryPolicy()`.
        per_tool: Policies for single tools, by name.
        classify: Your own rules, used before the built-in tables: a function that takes the error and returns a
            category, a whole `Failure`, or None to use the tables; a mapping from error types (or such functions) to
            categories; or a sequence of both.
        expose: Error types whose text is written for the model. It is still scrubbed and capped.
        observer: Called with each `ToolEvent`.
        stream_events: Whether events are written to `stream_mode="custom"`, as `{"agent_tools": {...}}`.
        on_auth_failure: Called with the `ToolEvent` of an AUTH_FAILURE (such as HTTP 401 or 403), sync or async. It
            returns True if it has renewed the credentials, and the call gets one more attempt. Parallel calls of
            a tool renew once.
        budget: How many retries the calls of a tool share; None for no limit.
        circuit: When a tool counts as down, so that only one call at a time tries it; None for never.
        share_key: Returns the key under which a call shares budget and circuit with others, such as a tenant.
            None: all calls of a tool to the same host share them.
        health: Where several processes share the health of their tools, such as a `RedisHealth`; None to share
            nothing.
        loop_guard: When a call that keeps failing is answered without being run; None for never.
        texts: Your own texts, for example in another language: templates or functions by category, reason, tool,
            or tool and one of the other two, or one function for all; see `agent_tools._call.texts`. A function gets
            the `Outcome`, and returns None to keep the default text.
    """

    policy: RetryPolicy | None
    per_tool: Mapping[str, RetryPolicy] | None
    classify: Rules
    expose: tuple[type[BaseException], ...]
    observer: Observer | None
    stream_events: bool
    on_auth_failure: OnAuthFailure | None
    budget: BudgetPolicy | None
    circuit: CircuitPolicy | None
    share_key: ShareKey | None
    health: Store | None
    loop_guard: LoopGuard | None
    texts: Texts | None


DEFAULTS: HandlerOptions = {
    "policy": None,
    "per_tool": None,
    "classify": (),
    "expose": (ToolException,),
    "observer": None,
    "stream_events": True,
    "on_auth_failure": None,
    "budget": BudgetPolicy(),
    "circuit": CircuitPolicy(),
    "share_key": None,
    "health": None,
    "loop_guard": LoopGuard(),
    "texts": None,
}

_Class = TypeVar("_Class", bound=type)

#: Stands for these options in the docstring of a class, until `lists_options` replaces it.
_MARK = "**options: See `HandlerOptions`."


def complete(options: HandlerOptions) -> HandlerOptions:
    """Return `options` with defaults for those that are missing.

    Raises:
        TypeError: There is no such option.
    """
    for name in options.keys() - DEFAULTS.keys():
        alike = get_close_matches(name, DEFAULTS, n=1)
        hint = f". Did you mean {alike[0]!r}?" if alike else ""
        raise TypeError(f"got an unexpected keyword argument {name!r}{hint}")
    return {**DEFAULTS, **options}


def shown_options(options: Mapping[str, object], defaults: Mapping[str, object] = DEFAULTS) -> list[str]:
    """Return the options that differ from their defaults, for a repr; your own texts are not repeated."""
    given = {name: value for name, value in options.items() if value != defaults.get(name)}
    return [f"{name}={'...' if name == 'texts' else shown(value)}" for name, value in given.items()]


def lists_options(cls: _Class) -> _Class:
    """Return `cls` with all options in its signature and docstring, for `help()`, notebooks and IDEs."""
    method = cls.__init__  # type: ignore[misc]  # of the class, not of an instance
    signature = inspect.signature(method)
    own = [each for each in signature.parameters.values() if each.kind is not Parameter.VAR_KEYWORD]
    shared = [
        Parameter(name, Parameter.KEYWORD_ONLY, default=default, annotation=HandlerOptions.__annotations__[name])
        for name, default in DEFAULTS.items()
    ]
    method.__signature__ = signature.replace(parameters=[*own, *shared])
    if cls.__doc__ and HandlerOptions.__doc__:  # both are None under `python -OO`
        listed = inspect.cleandoc(HandlerOptions.__doc__).partition("Attributes:\n")[2]
        cls.__doc__ = inspect.cleandoc(cls.__doc__).replace(indent(_MARK, "    "), listed)
    return cls
