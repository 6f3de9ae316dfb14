"""The body of a response, as far as the client has read and kept it.

Only a body that is already in memory is read. A response's `text` or `json()` may read from the
network, block for a minute, raise or warn, so neither is used here.
"""

import json
from collections import deque
from collections.abc import Iterator
from typing import Any  # what services put into bodies is of any shape

from agent_tools._classify.naming import Role, roles_of
from agent_tools._classify.reading import args_of, is_a, items, members, read
from agent_tools._classify.subject import Subject

READY_NAMES = ("data", "_content", "_body")
"""Where responses keep a body that has been read (slack_sdk, httpx and requests, urllib3 and aiohttp)."""

_LARGEST = 16_384
_MOST_PARTS = 32
_MOST_BODIES = 8
_WIDEST = 4


def bodies_of(subject: Subject, response: Any) -> list[Any]:
    """Return the bodies already in memory on an error, in its arguments and on its response, as dicts and lists."""
    if subject.bodies is None:
        subject.bodies = [*_bodies(subject, response)]
    return subject.bodies


def _bodies(subject: Subject, response: Any) -> Iterator[Any]:
    if is_a(response, dict):
        yield response
    kept = [*subject.find(Role.BODY)]
    if response is not None:
        kept += [value for name in READY_NAMES if (value := read(response, name)) is not None]
    arguments = [each for each in args_of(subject.error)[:_WIDEST] if not is_a(each, Exception)]
    yield from filter(None, map(_parsed, [*kept, *arguments][:_MOST_BODIES]))


def _parsed(body: Any) -> Any:
    if is_a(body, dict) or is_a(body, list) or is_a(body, tuple):
        return body
    if not (is_a(body, str) or is_a(body, bytes)):
        return None
    try:
        short = 1 < len(body) <= _LARGEST and body[:1] in ("{", "[", b"{", b"[")
        return json.loads(body) if short else None
    except Exception:  # noqa: BLE001  # it was not JSON, or was nested too deep
        return None


def parts_of(body: Any, wanted: int) -> Iterator[Any]:
    """Yield `body` and the values in it whose keys have a `wanted` role, at any depth, nearest first.

    Only the first few members of a list are entered. The number of parts is bounded, since a body may be large
    or, where an error keeps objects of its own, refer to itself.
    """
    pending = deque([body])
    for _ in range(_MOST_PARTS):
        if not pending:
            return
        part = pending.popleft()
        yield part
        if is_a(part, dict):
            pending.extend(
                value for key, value in items(part) if type(key) is str and value is not None and roles_of(key) & wanted
            )
        else:
            pending.extend(members(part, slice(_WIDEST)))
