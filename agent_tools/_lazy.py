"""Names of a package that are imported when they are first asked for."""

import sys
from collections.abc import Callable, Mapping
from importlib import import_module


def lazy(package: str, module_by_name: Mapping[str, str]) -> Callable[[str], object]:
    """Return the `__getattr__` of `package` (PEP 562); the modules are named as seen from there."""

    def load(name: str) -> object:
        if name not in module_by_name:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(import_module(f"{package}.{module_by_name[name]}"), name)
        setattr(sys.modules[package], name, value)  # the next time it is just there
        return value

    return load
