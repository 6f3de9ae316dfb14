"""Other layers that retry the same call: noticed when a call fails, told once per tool and layer.

Three attempts of ours around three of an SDK are nine requests to a service that is down. Nobody can see that
beforehand, but an error often proves it: by a header of its request, by what its response records, by a frame of
the layer in its traceback whose variables say that it was not the first attempt. As long as nothing fails this
costs nothing; and whatever goes wrong in here is no reason to lose a call.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from types import FrameType
from typing import Any

from agent_tools._call.observers import logger

#: How many errors of a chain (an error, its cause, the cause of that) are looked at.
_CHAIN = 5


@dataclass(frozen=True, slots=True)
class Layer:
    """A layer that retries, and how to turn that off."""

    name: str
    advice: str


BOTOCORE = Layer("botocore", "give its client Config(retries={'total_max_attempts': 1})")
DECORATOR = "take its decorator off the tool"
HTTPX_RETRIES = Layer("httpx-retries", "give its client a plain transport")
NODE = Layer("retry_policy of the node", "add the node without one, since it runs all calls of a message again")
TOOL_RETRY = Layer("ToolRetryMiddleware", "remove it for this tool")
URLLIB3 = Layer("urllib3's Retry", "mount an adapter with max_retries=0")

_TOOL_RETRY = "langchain.agents.middleware.tool_retry"
_GIVEN_UP = re.compile(r"Tool '[^']+' failed after \d+ attempts with ")

#: By the module of a frame: the layer, the variable that counts its attempts, and the count of the first attempt.
#: Without a variable the frame alone is the proof.
LAYER_BY_MODULE: dict[str, tuple[Layer, str, int]] = {
    "backoff._async": (Layer("backoff", DECORATOR), "tries", 1),
    "backoff._sync": (Layer("backoff", DECORATOR), "tries", 1),
    "google.api_core.retry.retry_unary": (Layer("google.api_core.retry", "call the method with retry=None"), "", 0),
    "google.api_core.retry.retry_unary_async": (Layer("google.api_core.retry", "call it with retry=None"), "", 0),
    "httpx_retries.transport": (HTTPX_RETRIES, "retry.attempts_made", 0),
    _TOOL_RETRY: (TOOL_RETRY, "attempt", 0),
    "stripe._http_client": (Layer("stripe", "set max_network_retries=0"), "num_retries", 0),
    "tenacity": (Layer("tenacity", DECORATOR), "retry_state.attempt_number", 1),
    "tenacity.asyncio": (Layer("tenacity", DECORATOR), "retry_state.attempt_number", 1),
    "urllib3.util.retry": (URLLIB3, "history", 1),
}


class NestedRetries:
    """Remembers what it has told."""

    def __init__(self) -> None:
        self._told: set[tuple[str, str]] = set()

    def note(self, error: BaseException, *, tool: str, node_attempt: int) -> None:
        """Log a warning for each layer around or inside of `tool` that has retried, too, the first time."""
        found: list[Layer] = []
        with suppress(Exception):  # errors and responses may do what they like when they are looked at
            for layer in _layers_of(error, node_attempt):
                found.append(layer)  # noqa: PERF402  # what was found before one of them raises is told
        for layer in found:
            self._tell(tool, layer)

    def _tell(self, tool: str, layer: Layer) -> None:
        if (tool, layer.name) in self._told:
            return
        self._told.add((tool, layer.name))
        logger.warning(
            "%s is retried by %s, too, and the attempts multiply: %s, or give the tool RetryPolicy(max_attempts=1)",
            tool,
            layer.name,
            layer.advice,
        )


def _layers_of(error: BaseException, node_attempt: int) -> Iterator[Layer]:
    if node_attempt > 1:
        yield NODE
    yield from _around()
    yield from _of_result(error)
    for each in _chain(error):
        yield from _of_frames(each)
        yield from _of_response(each)


def _chain(error: BaseException) -> Iterator[BaseException]:
    each: BaseException | None = error
    for _ in range(_CHAIN):
        if each is None:
            return
        yield each
        each = each.__cause__ or each.__context__


def _around() -> Iterator[Layer]:
    """Yield the middleware that has called us, given that it was not its first attempt."""
    frame: FrameType | None = sys._getframe() if _TOOL_RETRY in sys.modules else None  # noqa: SLF001  # documented
    while frame is not None:
        if frame.f_globals.get("__name__") == _TOOL_RETRY and _has_retried(frame, "attempt", 0):
            yield TOOL_RETRY
        frame = frame.f_back


def _of_result(error: BaseException) -> Iterator[Layer]:
    """Yield the middleware that has written this answer in the place of an error."""
    content = getattr(getattr(error, "result", None), "content", None)
    if isinstance(content, str) and _GIVEN_UP.match(content):
        yield TOOL_RETRY


def _of_frames(error: BaseException) -> Iterator[Layer]:
    """Yield the layers that the traceback runs through, given that they made more than one attempt."""
    step = error.__traceback__
    while step is not None:
        known = LAYER_BY_MODULE.get(step.tb_frame.f_globals.get("__name__", ""))
        if known is not None and _has_retried(step.tb_frame, *known[1:]):
            yield known[0]
        step = step.tb_next


def _has_retried(frame: FrameType, variable: str, first: int) -> bool:
    if not variable:
        return True
    name, _, attribute = variable.partition(".")
    count = frame.f_locals.get(name)
    if attribute:
        count = getattr(count, attribute, None)
    if isinstance(count, tuple):
        count = len(count)
    return isinstance(count, int) and count > first


def _of_response(error: BaseException) -> Iterator[Layer]:
    """Yield the layers of which the response, or its request, tells."""
    response: Any = getattr(error, "response", None)  # Any: of whatever client
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
