"""Each option is written once, and shown wherever users look: in `help()`, notebooks and `inspect.signature`."""

import copy
import pydoc
from functools import partial
from inspect import Parameter, cleandoc, signature
from typing import Any

import pytest

from agent_tools import RedisHealth, ResilientToolNode, RetryPolicy, ToolErrorHandler
from agent_tools._call.options import DEFAULTS, HandlerOptions
from agent_tools.middleware import ResilientToolMiddleware

DOORS = [ToolErrorHandler, ResilientToolNode, ResilientToolMiddleware]


def test_each_option_has_a_type_a_default_and_a_line_in_the_docstring() -> None:
    assert list(HandlerOptions.__annotations__) == list(DEFAULTS)
    documented = cleandoc(HandlerOptions.__doc__ or "")
    assert [name for name in DEFAULTS if f"\n    {name}: " not in documented] == []


@pytest.mark.parametrize("door", DOORS)
def test_the_signature_has_each_option_with_its_default_and_type(door: Any) -> None:
    parameters = signature(door).parameters

    assert {name: parameters[name].default for name in DEFAULTS} == DEFAULTS
    assert {name: parameters[name].annotation for name in DEFAULTS} == HandlerOptions.__annotations__
    assert Parameter.VAR_KEYWORD not in {each.kind for each in parameters.values()}


@pytest.mark.parametrize("door", DOORS)
def test_help_explains_each_option(door: Any) -> None:
    shown = pydoc.plain(pydoc.render_doc(door))

    assert [name for name in DEFAULTS if f"{name}: " not in shown.partition("Args:")[2]] == []
    assert "HandlerOptions`." not in shown


class Rule:
    def __call__(self, error: Exception) -> None: ...


def lookup() -> str:
    """Look up."""
    return "found"


SHOWN: dict[str, Any] = {
    "per_tool": {"lookup": RetryPolicy(max_attempts=5, verify=lambda _call: None)},
    "classify": [Rule(), {OSError: "retryable"}],
    "on_auth_failure": partial(print, "SK-SECRET-123"),
    "health": RedisHealth("redis://:hunter2@db-1.internal:6379/0"),
    "texts": {"timeout": "hunter2"},
    "loop_guard": None,
}
PRINTED = (
    "per_tool={'lookup': RetryPolicy(max_attempts=5, idempotent=False, verify=<lambda>)}, "
    "classify=[Rule, {OSError: 'retryable'}], on_auth_failure=partial, health=RedisHealth(prefix='{agent_tools:1}'), "
    "texts=..., loop_guard=None)"
)


def test_a_repr_is_one_line_with_what_was_set_and_no_secret_or_address() -> None:
    node = ResilientToolNode([lookup], wrap_tool_call=lambda request, execute: execute(request), record=True, **SHOWN)

    assert repr(ToolErrorHandler()) == "ToolErrorHandler()"
    assert repr(ResilientToolNode([lookup])) == "ResilientToolNode([lookup])"
    assert repr(ResilientToolMiddleware(tools=["lookup"])) == "ResilientToolMiddleware(tools=['lookup'])"
    assert repr(ToolErrorHandler(**SHOWN)) == f"ToolErrorHandler({PRINTED}"
    assert repr(node) == f"ResilientToolNode([lookup], record=True, wrap_tool_call=<lambda>, {PRINTED}"
    assert repr(copy.deepcopy(node)) == repr(node)
    shared = ToolErrorHandler(policy=RetryPolicy(max_attempts=2))
    assert repr(ResilientToolNode([lookup], name="x", handler=shared)) == (
        "ResilientToolNode([lookup], name='x', handler=ToolErrorHandler(policy=RetryPolicy(max_attempts=2)))"
    )


@pytest.mark.parametrize("door", DOORS)
def test_a_misspelled_option_is_refused_with_the_one_that_was_meant(door: Any) -> None:
    arguments = [[]] if door is ResilientToolNode else []

    with pytest.raises(TypeError, match=r"unexpected keyword argument 'polcy'\. Did you mean 'policy'\?"):
        door(*arguments, polcy=None)


def test_a_shared_handler_takes_no_option_beside_it() -> None:
    with pytest.raises(ValueError, match="budget must be given to the ToolErrorHandler itself"):
        ResilientToolNode([], handler=ToolErrorHandler(), budget=None)
