"""A real HTTP server on loopback that fails on cue."""

import contextlib
import socket
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self

from agent_tools.testing._reply import Reply, Request
from agent_tools.testing._routes import EVERY_PATH, Answers, Maker, Plain, Routes, routes_of
from agent_tools.testing._wire import read_request, send_reply

#: How many connections may wait to be accepted at once; further ones have to try again.
_BACKLOG = 1024

#: How long `stop` waits for a callable that is still making its reply, in seconds.
_PATIENCE = 1.0

#: Answers by route, or what to answer on every path.
Script = Mapping[str, Answers] | Reply | int | Maker | Sequence[Plain | Maker]


class FaultyServer:
    """Answers by script on a free port of 127.0.0.1, while its `with` block lasts.

    >>> import httpx
    >>> from agent_tools.testing import FaultyServer, Reply
    >>> with FaultyServer({
    ...     "/orders": [Reply(503), Reply(503), Reply(200, {"status": "shipped"})],
    ...     "POST /refunds": Reply(fault="reset"),
    ...     "/crm": 401,
    ...     "*": lambda request: {"you asked for": request.path},
    ... }) as server:
    ...     [httpx.get(server.url + path).status_code for path in ("/orders", "/orders", "/orders", "/crm")]
    [503, 503, 200, 401]
    >>> server.count("/orders")
    3

    Each connection carries one request and has its own thread. A path without a route gets a 404. When a
    callable raises, the client gets a 500, and the error ends the connection's thread, where pytest sees it.

    Args:
        script: What to answer by route (a path, a method and a path, or `"*"` for the rest): a `Reply`, an
            int for a reply with that status, a dict for one with that JSON body, a callable that makes one
            from the request, or a list of these, used in order, the last one forever. Any of these except
            the dict may also be given alone, for every path.

    Raises:
        ValueError: A route that no request can match, or one without answers.
        TypeError: An answer is none of the above.
    """

    def __init__(self, script: Script) -> None:
        by_route = script if isinstance(script, Mapping) else {EVERY_PATH: script}
        self._routes = Routes(by_route)
        self._lock = threading.Lock()
        self._requests: list[Request] = []
        self._port: int | None = None
        self._acceptor: threading.Thread | None = None
        self._conn_by_worker: dict[threading.Thread, socket.socket] = {}

    @property
    def url(self) -> str:
        """The address of the server, without a slash at the end; it outlives the server."""
        if self._port is None:
            raise RuntimeError("the server has no URL until it is started: use `with FaultyServer(...) as server`")
        return f"http://127.0.0.1:{self._port}"

    @property
    def requests(self) -> list[Request]:
        """The requests so far, in order."""
        with self._lock:
            return list(self._requests)

    def count(self, route: str = EVERY_PATH) -> int:
        """Return the number of requests to `route`, a path or a method and a path."""
        return sum(route in routes_of(request) for request in self.requests)

    def start(self) -> Self:
        """Start to listen, and return the server; `with` does this."""
        if self._acceptor is not None:
            raise RuntimeError("the server is running already")
        listener = socket.create_server(("127.0.0.1", 0), backlog=_BACKLOG)
        self._port = listener.getsockname()[1]
        self._acceptor = _thread(self._accept, listener)
        self._acceptor.start()
        return self

    def stop(self) -> None:
        """Close the port and every connection at once, even if clients are waiting."""
        if self._acceptor is None:
            return
        acceptor, self._acceptor = self._acceptor, None
        # No portable call wakes a thread from accept(), so a last client connects.
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
            acceptor.join()
        with self._lock:
            for conn in self._conn_by_worker.values():
                with contextlib.suppress(OSError):
                    conn.shutdown(socket.SHUT_RDWR)
            workers = self._conn_by_worker.keys() - {threading.current_thread()}
        ends = time.monotonic() + _PATIENCE
        for worker in workers:
            worker.join(max(0.0, ends - time.monotonic()))

    def __enter__(self) -> Self:
        return self if self._acceptor else self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _accept(self, listener: socket.socket) -> None:
        with listener:
            while True:
                conn, _ = listener.accept()
                if self._acceptor is None:
                    conn.close()
                    return
                worker = _thread(self._serve, conn)
                with self._lock:
                    self._conn_by_worker = {w: c for w, c in self._conn_by_worker.items() if w.is_alive()}
                    self._conn_by_worker[worker] = conn
                worker.start()

    def _serve(self, conn: socket.socket) -> None:
        try:
            self._answer(conn)
        finally:
            with self._lock:  # otherwise `stop` could shut down an unrelated socket with the same descriptor
                conn.close()

    def _answer(self, conn: socket.socket) -> None:
        try:
            request = read_request(conn)
        except (OSError, ValueError):
            return  # the client left, or speaks something else, TLS for example
        with self._lock:
            self._requests.append(request)
        reply = Reply(500, {"detail": "the callable of this route raised an error"})
        try:
            reply = self._routes.reply_to(request)
        finally:
            with contextlib.suppress(OSError):  # the client left
                send_reply(conn, reply, head_only=request.method == "HEAD")


def _thread(target: Callable[[socket.socket], None], sock: socket.socket) -> threading.Thread:
    return threading.Thread(target=target, args=(sock,), daemon=True, name=f"FaultyServer {target.__name__}")
