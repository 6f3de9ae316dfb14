"""Requests in the source of a tool: their methods, hosts and time limits."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

from agent_tools.doctor._reach import Reach

CHANGING = frozenset({"post", "put", "patch", "delete"})
_READING = frozenset({"get", "head", "options"})

#: The host of a URL that the tool puts together.
AT_RUN_TIME = "made at run time"

#: Modules whose functions make requests, and whether these have a time limit without `timeout=`.
ENDS_BY_MODULE = {"requests": False, "httpx": True, "httpx2": True}


@dataclass(frozen=True, slots=True)
class Request:
    """A request that the source of a tool makes.

    Attributes:
        method: In lower case.
        host: Host of the URL, if source or variables show it; `AT_RUN_TIME` if the URL of a module's function does
            not; empty if the client of a method may know it.
        is_limited: Whether it has a time limit; None when its client decides.
        module: The module whose function makes it; empty for a method of a client.
    """

    method: str
    host: str
    is_limited: bool | None
    module: str


def requests_of(reach: Reach) -> list[Request]:
    """Return the requests in the source of a tool."""
    return [request for call, texts in reach.calls() for request in _requests_in(call, texts)]


def _requests_in(call: ast.Call, named: dict[str, str]) -> Iterator[Request]:
    if not isinstance(call.func, ast.Attribute):
        return
    owner, method = call.func.value, call.func.attr.lower()
    module = owner.id if isinstance(owner, ast.Name) and owner.id in ENDS_BY_MODULE else ""
    texts = [each.value for each in call.args if isinstance(each, ast.Constant) and isinstance(each.value, str)]
    if method == "request" and texts:
        method = texts[0].lower()
    if method in CHANGING or (module and method in _READING):
        yield Request(method, _host_in(call, named) or AT_RUN_TIME * bool(module), _is_limited(call, module), module)


def _host_in(call: ast.Call, named: dict[str, str]) -> str:
    for each in ast.walk(call):
        text = named.get(each.id) if isinstance(each, ast.Name) else getattr(each, "value", None)
        if isinstance(text, str) and "://" in text:
            return urlsplit(text).hostname or ""
    return ""


def _is_limited(call: ast.Call, module: str) -> bool | None:
    for keyword in call.keywords:
        if keyword.arg == "timeout":
            return not (isinstance(keyword.value, ast.Constant) and keyword.value.value is None)
    return ENDS_BY_MODULE.get(module)
