"""The examples in the docstrings run, and each public name has one."""

import doctest
import inspect
import pkgutil
import re
from importlib import import_module
from types import ModuleType

import pytest

import agent_tools

PUBLIC = [
    "agent_tools",
    "agent_tools.idempotency",
    "agent_tools.middleware",
    "agent_tools.otel",
    "agent_tools.report",
    "agent_tools.routing",
    "agent_tools.testing",
]


def modules() -> list[ModuleType]:
    found = pkgutil.walk_packages(agent_tools.__path__, "agent_tools.")
    return [agent_tools, *(import_module(module.name) for module in found if not module.name.endswith("__main__"))]


FINDER = doctest.DocTestFinder(exclude_empty=True)
EXAMPLES = [test for module in modules() for test in FINDER.find(module) if test.examples]
NAMES = [(package, name) for package in PUBLIC for name in import_module(package).__all__]


@pytest.mark.parametrize("example", EXAMPLES, ids=[example.name for example in EXAMPLES])
def test_the_example_does_what_it_says(example: doctest.DocTest) -> None:
    said: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.ELLIPSIS).run(example, out=said.append)
    assert said == []


@pytest.mark.parametrize(("package", "name"), NAMES, ids=[f"{package}.{name}" for package, name in NAMES])
def test_each_public_name_has_an_example(package: str, name: str) -> None:
    thing = getattr(import_module(package), name)
    if inspect.isclass(thing) or inspect.isroutine(thing):
        steps = doctest.DocTestParser().get_examples(inspect.getdoc(thing) or "")
        assert any(re.search(rf"\b{name}\b", step.source) for step in steps)
        return
    # Anything else, such as `ok`, is explained where it is used.
    assert any(re.search(rf"\b{name}\b", step.source) for example in EXAMPLES for step in example.examples)
