"""Detects other layers that retry the same call when it fails, and logs each once per tool and layer.

Three attempts here around three of an SDK are nine requests to a service that is down. An error often proves it: by a
header of its request, by the history on its response, by the attempt number of the node. A layer that leaves no such
trace (a decorator that re-raises the last error unchanged) is not detected.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from agent_tools._call.listeners import logger

#: How many errors of a chain (an error, its cause, the cause of that) are examined.
_CHAIN = 5


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that retries, and how to turn that off."""

    name: str
    advice: str


BOTOCORE = Layer("botocore", "give its client Config(retries={'total_max_attempts': 1})")
HTTPX_RETRIES = Layer("httpx-retries", "give its client a plain transport")
NODE = Layer("retry_policy of the node", "add the node without one, since it runs all calls of a message again")
TENACITY = Layer("tenacity", "take its decorator off the tool")
TOOL_RETRY = Layer("ToolRetryMiddleware", "remove it for this tool")
URLLIB3 = Layer("urllib3's Retry", "mount an adapter with max_retries=0")

_GIVEN_UP = re.compile(r"Tool '[^']+' failed after \d+ attempts with ")


def note_layers(error: BaseException, *, tool: str, node_attempt: int, known: set[tuple[str, str]]) -> None:
    """Log a warning for each layer around or inside `tool` that has also retried and is not yet `known`."""
    found: list[Layer] = []
    with suppress(Exception):  # errors and responses may raise when their attributes are read
        for layer in _layers_of(error, node_attempt):
            found.append(layer)  # noqa: PERF402  # keep what was found before one of them raises
    for layer in found:
        if (tool, layer.name) not in known:
            known.add((tool, layer.name))
            _log(tool, layer)


def _log(tool: str, layer: Layer) -> None:
    logger.warning(
        "%s is retried by %s, too, and the attempts multiply: %s, or give the tool RetryPolicy(max_attempts=1)",
        tool,
        layer.name,
        layer.advice,
    )


def _layers_of(error: BaseException, node_attempt: int) -> Iterator[Layer]:
    if node_attempt > 1:
        yield NODE
    yield from _of_result(error)
    for each in _chain(error):
        yield from _of_attempts(each)
        yield from _of_response(each)


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    for _ in range(_CHAIN):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _of_result(error: BaseException) -> Iterator[Layer]:
    """Yield the middleware that wrote this answer in place of an error."""
    content = getattr(getattr(error, "result", None), "content", None)
    if isinstance(content, str) and _GIVEN_UP.match(content):
        yield TOOL_RETRY


def _of_attempts(error: BaseException) -> Iterator[Layer]:
    """Yield tenacity, or stamina on top of it, when its `RetryError` holds the last attempt."""
    number = getattr(getattr(error, "last_attempt", None), "attempt_number", 0)
    if isinstance(number, int) and number > 1:
        yield TENACITY


def _of_response(error: BaseException) -> Iterator[Layer]:
    """Yield the layers that the response or its request shows."""
    response: Any = getattr(error, "response", None)  # Any: of any client
    if isinstance(response, dict):
        if response.get("ResponseMetadata", {}).get("RetryAttempts", 0) > 0:
            yield BOTOCORE
        return
    retried = getattr(getattr(response, "extensions", {}).get("retry"), "attempts_made", 0)
    if isinstance(retried, int) and retried > 0:
        yield HTTPX_RETRIES
    if getattr(getattr(getattr(response, "raw", None), "retries", None), "history", ()):
        yield URLLIB3
    library = type(error).__module__.partition(".")[0]
    headers = getattr(_request_of(error, response), "headers", {})
    # openai, anthropic, and other SDKs made by Stainless; the error of httpx below theirs has the same request.
    if library not in ("httpx", "httpx2") and headers.get("x-stainless-retry-count", "0") != "0":
        yield Layer(library, "give its client max_retries=0")


def _request_of(error: BaseException, response: Any) -> Any:
    try:
        return getattr(error, "request", None) or getattr(response, "request", None)
    except RuntimeError:  # httpx has none yet
        return None
