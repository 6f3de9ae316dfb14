"""The requests that a tool sends during an attempt, as the request hook sees them.

The hook sees a request before it is sent. httpcore reports its progress to the `trace` extension of the request. Other
transports report nothing; then only the error can show that its own request was not carried out.
"""

import math
import time
from collections import Counter
from collections.abc import Callable, Container
from hashlib import sha256
from threading import Lock
from typing import Any  # requests and errors of any client

from agent_tools._classify.reading import is_a, read, text
from agent_tools._classify.subject import Subject
from agent_tools._classify.wrapping import leaves_of, wrapped_in
from agent_tools._core.evidence import Evidence, SentRequest, changes_something
from agent_tools._core.failure import Failure
from agent_tools._core.idempotency import key_of_request

#: The most nested errors in which a request is looked for.
_LONGEST_CHAIN = 16

#: The most characters of a path and query.
_LONGEST_TARGET = 65_536

_lock = Lock()

#: When a request was last sent outside of any known call, by `time.monotonic()`.
_unattributed_at = [-math.inf]


def note_unattributed() -> None:
    """Note that a request that may change something was sent outside of any known call.

    Threads that a tool starts do not know the call, so this may be a request of any running call.
    """
    _unattributed_at[0] = time.monotonic()


class Requests:
    """The requests of one attempt; its tool may send them from several tasks and threads."""

    __slots__ = ("_count_by_content", "_sent")

    def __init__(self) -> None:
        self._sent: list[tuple[Any, SentRequest]] = []
        self._count_by_content: Counter[tuple[str, str, str | None]] = Counter()

    def note(self, request: Any) -> SentRequest:
        """Return the record of a request that is about to be sent."""
        with _lock:
            sent = self._record_of(request)
            if sent is None:
                sent = SentRequest(request.method)
                self._sent.append((request, sent))
            else:  # for example after a challenge to authenticate
                sent.is_sent_again()
            return sent

    def key_of(self, request: Any, *, call: str) -> str:
        """Return the key of a request that is about to be sent; `call` is the key of the call."""
        method, target, body = content = request.method, _target_of(request), _body_of(request)
        with _lock:
            self._count_by_content[content] += 1
            ordinal = self._count_by_content[content]
        return key_of_request(call, method=method, target=target, body=body, ordinal=ordinal)

    def evidence(self, error: BaseException, failure: Failure, *, elapsed: float) -> Evidence:
        """Return what the requests show about an attempt.

        Args:
            error: The error of the attempt.
            failure: What is known about the error.
            elapsed: Seconds since the call began.
        """
        request, error_type = request_in(error)
        own = None if request is None else self._record_of(request)
        is_known = request is None or own is not None or not changes_something(request.method)
        is_complete = is_known and _unattributed_at[0] < time.monotonic() - elapsed
        if error_type != failure.error_type:
            own = None  # `failure` describes another error in the chain, maybe of another request
        return Evidence.of([sent for _, sent in self._sent], own, is_complete=is_complete)

    def may_have_acted(self, methods: Container[str]) -> bool:
        """Return whether a request with one of the `methods` may have acted."""
        return any(sent.method in methods and sent.may_have_acted for _, sent in self._sent)

    def _record_of(self, request: Any) -> SentRequest | None:
        return next((sent for known, sent in self._sent if known is request), None)


class Trace:
    """Receives httpcore's events about one request: https://www.encode.io/httpcore/extensions/#trace."""

    __slots__ = ("_is_tunneling", "_sent", "theirs")

    def __init__(self, sent: SentRequest, theirs: Any) -> None:
        self._sent = sent
        self._is_tunneling = False
        # A redirected request inherits the trace of the first one.
        self.theirs: Callable[[str, Any], Any] | None = theirs.theirs if isinstance(theirs, Trace) else theirs

    def __call__(self, event: str, info: Any) -> Any:
        """Note the event, and return the result of the user's own trace."""
        self._note(event.partition(".")[2], info)
        return None if self.theirs is None else self.theirs(event, info)

    def _note(self, event: str, info: Any) -> None:
        if event == "send_request_headers.started":
            self._is_tunneling = read(read(info, "request"), "method") == b"CONNECT"
            if not self._is_tunneling:
                self._sent.leaves()
        elif event == "receive_response_headers.complete" and not self._is_tunneling:
            status, headers = _answer_in(info["return_value"])
            self._sent.was_answered(status, names_wait=b"retry-after" in headers)
        elif event in _NOT_CONNECTED:
            self._sent.was_not_connected()


class AsyncTrace(Trace):
    """The same for async clients, which await each call."""

    __slots__ = ()

    async def __call__(self, event: str, info: Any) -> None:
        """Do the same as `Trace`."""
        passed_on = super().__call__(event, info)
        if passed_on is not None:
            await passed_on


_NOT_CONNECTED = frozenset({"connect_tcp.failed", "connect_unix_socket.failed", "start_tls.failed"})


def _answer_in(parts: tuple[Any, ...]) -> tuple[int, set[bytes]]:
    """Return the status and the names of the headers; HTTP/1.1 also has the version first and a reason in between."""
    status = next(each for each in parts if isinstance(each, int))
    return status, {name.lower() for name, _ in parts[-1]}


def _target_of(request: Any) -> str:
    """Return the path and query of a request of httpx or requests."""
    target = read(read(request, "url"), "raw_path") or read(request, "path_url")
    return text(target, limit=_LONGEST_TARGET)


def _body_of(request: Any) -> str | None:
    """Return a digest of the body, None for a stream, or for a multipart body, whose boundary differs each time."""
    body = read(request, "content")  # httpx; it raises while the body is a stream
    if body is None:
        body = read(request, "body")  # requests
    content_type = text(request.headers.get("content-type") or "")
    if not (is_a(body, str) or is_a(body, bytes)) or content_type.startswith("multipart/"):
        return None
    return sha256(body.encode() if isinstance(body, str) else body).hexdigest()


def request_in(error: BaseException) -> tuple[Any, str]:
    """Return the request that an error belongs to, and the type of the nested error that holds it.

    The request is None if there is none, or if there are several.
    """
    for _ in range(_LONGEST_CHAIN):
        if is_a(error, BaseExceptionGroup):
            leaves = leaves_of(error)
            if leaves is None or len(leaves) != 1:
                break
            error = leaves[0]
        subject = Subject(error)
        request = subject.read("request")
        if request is not None and text(read(request, "method")):
            return request, subject.kind.name
        inner = wrapped_in(subject)
        if inner is None:
            break
        error = inner.error
    return None, ""
