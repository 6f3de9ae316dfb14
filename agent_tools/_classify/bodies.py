"""The body of a response, as far as the client has read and kept it.

Only a body that is already in memory is read. A response's `text` or `json()` may read from the
network, block for a minute, raise or warn, so neither is used here.
"""

import json
from itertools import islice
from typing import Any  # what services put into bodies is of any shape

from agent_tools._classify.naming import Role, roles_of
from agent_tools._classify.reading import items, members, values_of
from agent_tools._classify.subject import Subject

READY_NAMES = ("data", "_content", "_body")
"""Where responses keep a body that has been read (slack_sdk, httpx and requests, urllib3 and aiohttp)."""

_JSON_STARTS = frozenset({"{", "[", b"{", b"["})
_LARGEST = 16_384
_MOST_PARTS = 32
_MOST_BODIES = 8
_WIDEST = 4


def parts_of_bodies(subject: Subject, response: Any) -> list[Any]:
    """Return the bodies of an error, each with the values in it that may contain others; see `parts_of`.

    Only what is already in memory is read: on the error, in its arguments and on its response.
    """
    if subject.parts is None:
        kept = [*subject.find(Role.BODY)]
        if response is not None:
            kept += values_of(response, READY_NAMES)
        kept += subject.args[:_WIDEST]
        subject.parts = parts_of(response, Role.PART) if issubclass(type(response), dict) else []
        for each in kept[:_MOST_BODIES]:
            body = _parsed(each)
            if body:
                subject.parts += parts_of(body, Role.PART)
    return subject.parts


def _parsed(body: Any) -> Any:
    if type(body) is str and body[:1] not in _JSON_STARTS:
        return None
    if issubclass(type(body), (dict, list, tuple)):
        return body
    if not issubclass(type(body), (str, bytes)):
        return None
    try:
        short = body[:1] in _JSON_STARTS and 1 < len(body) <= _LARGEST
        return json.loads(body) if short else None
    except Exception:  # noqa: BLE001  # it was not JSON, or was nested too deep
        return None


def parts_of(body: Any, wanted: int) -> list[Any]:
    """Return `body` and the values in it whose keys have a `wanted` role, at any depth, nearest first.

    Only the first few members of a list are entered. The number of parts is bounded, since a body may be large
    or, where an error keeps objects of its own, refer to itself.
    """
    parts = [body]
    for part in islice(parts, _MOST_PARTS):  # which grows meanwhile
        if issubclass(type(part), dict):
            parts += [
                value for key, value in items(part) if type(key) is str and value is not None and roles_of(key) & wanted
            ]
        elif not issubclass(type(part), str):
            parts += members(part, slice(_WIDEST))
    return parts[:_MOST_PARTS]
