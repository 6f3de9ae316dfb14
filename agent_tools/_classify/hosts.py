"""Which host a call is for, taken from its error or from its arguments.

Hosts are only used to group calls. They stay out of `Failure`, answers, events and log lines.
"""

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any  # attributes of foreign objects are of any type
from urllib.parse import urlsplit

from agent_tools._classify.wrapping import leaves_of

#: The most errors, and the most argument values, that are examined.
_MOST = 64


def host_of(error: BaseException) -> str | None:
    """Return the host of the request that raised `error`, None when no host or more than one is found."""
    hosts = {host for each in islice(_wrapped(error), _MOST) if (host := _host_of_request(each)) is not None}
    return hosts.pop() if len(hosts) == 1 else None


def host_in(arguments: object) -> str | None:
    """Return the host of the first URL among `arguments`, None when there is none."""
    urls = (each for each in islice(_values(arguments), _MOST) if each.startswith(("http://", "https://")))
    return next(filter(None, map(_host_of_url, urls)), None)


def _wrapped(error: BaseException) -> Iterator[BaseException]:
    pending, seen = [error], set[int]()
    while pending:
        each = pending.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        yield each
        if isinstance(each, BaseExceptionGroup):
            pending += leaves_of(each) or ()
        pending += [inner for inner in (each.__cause__, each.__context__) if inner is not None]


def _host_of_request(error: BaseException) -> str | None:
    try:
        request: Any = getattr(error, "request", None) or getattr(getattr(error, "response", None), "request", None)
        return _host_of_url(str(request.url))
    except Exception:  # noqa: BLE001  # most errors have no request, and httpx raises where there is none
        return None


def _host_of_url(url: str) -> str | None:
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        return None
    return parts.hostname if port is None or parts.hostname is None else f"{parts.hostname}:{port}"


def _values(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for each in value.values():
            yield from _values(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _values(each)
