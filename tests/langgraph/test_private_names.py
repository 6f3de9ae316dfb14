"""The private names of LangGraph and LangChain still exist, and only one file of this package spells them."""

import re
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import agent_tools
from agent_tools._langgraph import private_names
from agent_tools._langgraph.private_names import PRIVATE_NAMES, PrivateName

OURS = Path(agent_tools.__file__).parent


def is_set_by_method(owner: Any, attribute: str) -> bool:
    """Return whether methods of a class use an attribute that only instances have."""
    codes = [getattr(method, "__code__", None) for method in vars(owner).values()] if isinstance(owner, type) else []
    return not hasattr(owner, attribute) and any(attribute in code.co_names for code in codes if code is not None)


@pytest.mark.parametrize("private", PRIVATE_NAMES, ids=lambda private: private.definition)
def test_what_is_not_exported_is_still_there(private: PrivateName) -> None:
    module, _, path = private.definition.partition(":")
    found: Any = import_module(module)
    for attribute in path.split("."):
        if attribute in getattr(found, "__annotations__", {}) or is_set_by_method(found, attribute):
            return
        assert hasattr(found, attribute), f"{private.definition} is gone: it is needed for {private.purpose}"
        found = getattr(found, attribute)

    assert found == private.name or path.endswith(private.name)


def test_each_is_listed_once() -> None:
    definitions = [private.definition for private in PRIVATE_NAMES]

    assert len(set(definitions)) == len(definitions)


def test_no_other_file_spells_one() -> None:
    spelled = re.compile(
        r"__pregel|__resume__|__interrupt__|__return__|"
        r"_infer_handled_types|_inject_tool_args|_normalize_tool_response|_parse_input|_AllCompletedWaiter"
    )
    files = [path for path in OURS.rglob("*.py") if path != Path(private_names.__file__)]

    assert [path.name for path in files if spelled.search(path.read_text())] == []
