"""What a service said in the body of its answer, as far as the client has read and kept it.

A body is only taken from where it lies ready. Asking a response for its `text` or `json()` may read from
the network, wait for a minute, raise or warn; none of that is done here.
"""

import json
from collections import deque
from collections.abc import Iterator, Sequence
from typing import Any  # what services put into bodies is of any shape

from agent_tools._classify.reading import Subject, is_a, members, read

BODY_NAMES = ("body", "json_body", "data", "details", "content", "errors", "error_data")
"""Where errors keep a body, parsed or not."""

READY_NAMES = ("data", "_content", "_body")
"""Where responses keep a body that has been read (slack_sdk, httpx and requests, urllib3 and aiohttp)."""

_LARGEST = 16_384
_MOST_PARTS = 32
_WIDEST = 4


def bodies_of(subject: Subject, response: Any) -> Iterator[Any]:
    """Yield the bodies that lie ready on an error and its response, as dicts and lists."""
    if is_a(response, dict):
        yield response
    kept = list(subject.values(BODY_NAMES))
    if response is not None:
        kept += [read(response, name) for name in READY_NAMES]
    for value in kept:
        body = _parsed(value) if value is not None else None
        if body is not None:
            yield body


def _parsed(body: Any) -> Any:
    if is_a(body, dict) or is_a(body, list) or is_a(body, tuple):
        return body
    if not (is_a(body, str) or is_a(body, bytes)):
        return None
    try:
        short = 1 < len(body) <= _LARGEST and body[:1] in ("{", "[", b"{", b"[")
        return json.loads(body) if short else None
    except Exception:  # noqa: BLE001  # it was no JSON, or was nested too deep
        return None


def parts_of(body: Any, keys: Sequence[str]) -> Iterator[Any]:
    """Yield `body` and what stands in it under one of `keys`, however deep, nearest first.

    Lists are entered by their first few members. The number of parts is bounded, as a body may be large or,
    where an error keeps objects of its own, run in a circle.
    """
    pending = deque([body])
    for _ in range(_MOST_PARTS):
        if not pending:
            return
        part = pending.popleft()
        yield part
        if is_a(part, dict):
            pending.extend(value for key in keys if (value := read(part, key)) is not None)
        else:
            pending.extend(members(part, slice(_WIDEST)))
