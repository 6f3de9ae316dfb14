"""Replies of the server and requests to it, as plain records."""

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import KW_ONLY, dataclass
from enum import StrEnum
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import httpx

Headers = Mapping[str, str] | Sequence[tuple[str, str]]

#: The body of a reply that has none, under a fault that needs one to break.
FILLER = b'{"detail": "this body exists to be broken"}'

_BODILESS = frozenset({HTTPStatus.NO_CONTENT, HTTPStatus.NOT_MODIFIED})


class Fault(StrEnum):
    """How a reply goes wrong below HTTP, and the error that `httpx` raises for it.

    >>> from agent_tools.testing import Fault, Reply
    >>> Reply(200, {"status": "shipped"}, fault=Fault.TRUNCATE).fault
    <Fault.TRUNCATE: 'truncate'>
    """

    RESET = "reset"
    """The connection is reset instead of an answer: `ReadError`."""
    CLOSE = "close"
    """The connection is closed instead of an answer: `RemoteProtocolError`."""
    RESET_MID_BODY = "reset_mid_body"
    """A whole head, half of the body, then a reset: `ReadError`."""
    TRUNCATE = "truncate"
    """A whole head, half of the body, then the end: `RemoteProtocolError`."""
    STALL = "stall"
    """Not one byte until the client gives up: `ReadTimeout`."""
    STALL_BODY = "stall_body"
    """A whole head, half of the body, then silence until the client gives up: `ReadTimeout`."""
    DRIP = "drip"
    """The body comes byte by byte, `delay` apart: no timeout of `httpx` ends that."""
    GARBAGE = "garbage"
    """Bytes that are not HTTP: `RemoteProtocolError`."""
    BAD_GZIP = "bad_gzip"
    """A body that is said to be gzip and is not: `DecodingError`."""


_BODY_FAULTS = frozenset({Fault.RESET_MID_BODY, Fault.TRUNCATE, Fault.STALL_BODY, Fault.DRIP, Fault.BAD_GZIP})


@dataclass(frozen=True, slots=True)
class Reply:
    """One answer of the server.

    >>> from agent_tools.testing import Reply
    >>> Reply(429, {"detail": "slow down"}, {"Retry-After": "2"}).payload()
    b'{"detail": "slow down"}'

    Args:
        status: A final status, 200 to 599.
        body: Bytes and text are sent as they are, anything else as JSON; None is no body.
        headers: Sent besides `Content-Type`, `Content-Length` and `Connection: close`, or instead of
            them. Pairs instead of a mapping may name a header twice.
        delay: Seconds before the first byte; between two bytes of the body with `fault="drip"`.
        fault: One of `Fault`, or None for an intact answer.
    """

    status: int = 200
    body: object = None
    headers: Headers = ()
    _: KW_ONLY
    delay: float = 0.0
    fault: str | None = None

    def __post_init__(self) -> None:
        _require_status(self.status)
        _require_headers(self.header_pairs())
        _require_delay(self.delay)
        if self.fault is not None and self.fault not in list(Fault):
            raise ValueError(f"fault must be one of {', '.join(Fault)}, not {self.fault!r}")
        self.payload()

    def header_pairs(self) -> tuple[tuple[str, str], ...]:
        """Return the given headers as pairs."""
        pairs = self.headers.items() if isinstance(self.headers, Mapping) else self.headers
        return tuple(pairs)

    def payload(self) -> bytes:
        """Return the body in bytes; never empty under a fault that breaks bodies, unless the status forbids a body.

        Raises:
            TypeError: The body cannot be written as JSON.
        """
        if self.status in _BODILESS:
            return b""
        return _encoded(self.body) or (FILLER if self.fault in _BODY_FAULTS else b"")

    def content_type(self) -> str:
        """Return the media type of the body."""
        if isinstance(self.body, bytes):
            return "application/octet-stream"
        if isinstance(self.body, str):
            return "text/plain; charset=utf-8"
        return "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request as the server received it.

    >>> from agent_tools.testing import FaultyServer, Request
    >>> def echo(request: Request) -> dict[str, str]:
    ...     return {"you asked for": request.path}
    >>> server = FaultyServer({"*": echo})

    `path` has no query and is still percent-encoded; `at` is the value of `time.monotonic()` when the request
    was complete.
    """

    method: str
    path: str
    query_string: str
    header_pairs: tuple[tuple[str, str], ...]
    body: bytes
    at: float

    @property
    def headers(self) -> "httpx.Headers":
        """The headers; names are case-insensitive."""
        import httpx  # noqa: PLC0415 - slow to import, and many never ask

        return httpx.Headers(list(self.header_pairs))

    @property
    def query(self) -> "httpx.QueryParams":
        """The decoded parameters of the query."""
        import httpx  # noqa: PLC0415 - slow to import, and many never ask

        return httpx.QueryParams(self.query_string)

    def json(self) -> Any:  # Any: whatever the client sent
        """Return the body, parsed as JSON."""
        return json.loads(self.body)


def _encoded(body: object) -> bytes:
    if body is None:
        return b""
    if isinstance(body, bytes):
        return body
    if isinstance(body, str):
        return body.encode()
    return json.dumps(body).encode()


def _require_status(status: int) -> None:
    first, last = 200, 599
    if isinstance(status, bool) or not isinstance(status, int) or not first <= status <= last:
        raise ValueError(f"status must be an int from {first} to {last}, not {status!r}")


def _require_headers(pairs: Sequence[tuple[str, str]]) -> None:
    for name, value in pairs:
        # A line break would end the header and begin another, or the body.
        if not all(isinstance(text, str) and not {"\r", "\n"} & set(text) for text in (name, value)):
            raise ValueError(f"header {name!r} must be one line of text, not {value!r}")


def _require_delay(delay: float) -> None:
    if not (math.isfinite(delay) and delay >= 0):
        raise ValueError(f"delay must be a finite number of seconds, 0 or more, not {delay!r}")
