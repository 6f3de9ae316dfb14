"""The examples of the docstrings run."""

import doctest
from importlib import import_module
from pkgutil import iter_modules

import pytest

import agent_tools.routing

MODULES = [f"agent_tools.routing.{module.name}" for module in iter_modules(agent_tools.routing.__path__)]


@pytest.mark.parametrize("module", MODULES)
def test_every_example_gives_what_it_says(module: str) -> None:
    assert doctest.testmod(import_module(module)).failed == 0


def test_every_public_function_has_an_example() -> None:
    for name in agent_tools.routing.__all__:
        assert ">>>" in (getattr(agent_tools.routing, name).__doc__ or ""), name
