"""Each option is written once, and shown wherever users look: in `help()`, notebooks and `inspect.signature`."""

import pydoc
from inspect import Parameter, cleandoc, signature
from typing import Any

import pytest

from agent_tools import ResilientToolNode, ToolErrorHandler
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


@pytest.mark.parametrize("door", DOORS)
def test_a_misspelled_option_is_refused_with_the_one_that_was_meant(door: Any) -> None:
    arguments = [[]] if door is ResilientToolNode else []

    with pytest.raises(TypeError, match=r"unexpected keyword argument 'polcy'\. Did you mean 'policy'\?"):
        door(*arguments, polcy=None)


def test_a_shared_handler_takes_no_option_beside_it() -> None:
    with pytest.raises(ValueError, match="give it budget instead"):
        ResilientToolNode([], handler=ToolErrorHandler(), budget=None)
