"""HTTP/1.1 on a raw socket: reads a request, and sends a reply or what its fault leaves of it.

The caller closes the socket. Every wait is a read, so it ends as soon as the client leaves or the
server shuts the socket down.
"""

import socket
import struct
import time
from collections.abc import Callable
from dataclasses import replace
from http import HTTPStatus
from typing import BinaryIO

from agent_tools.testing._reply import Fault, Reply, Request

_LINE_LIMIT = 65536

#: A day: longer than any client waits, and not too long for a socket's timeout.
_FOREVER = 86_400.0


def read_request(conn: socket.socket) -> Request:
    """Return the next request on `conn`.

    Raises:
        OSError: The connection broke.
        ValueError: The bytes received are not a whole HTTP request.
    """
    with conn.makefile("rb") as stream:
        method, target, _version = _line(stream).split()
        header_pairs = tuple(_header_pairs(stream))
        headers = {name.lower(): value.lower() for name, value in header_pairs}
        if headers.get("expect") == "100-continue":
            conn.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
        body = _body(stream, headers)
    path, _, query_string = target.partition("?")
    return Request(
        method=method,
        path=path,
        query_string=query_string,
        header_pairs=header_pairs,
        body=body,
        at=time.monotonic(),
    )


def send_reply(conn: socket.socket, reply: Reply, *, head_only: bool) -> None:
    """Answer on `conn`; `head_only` leaves out the body, as the answer to HEAD does.

    Raises:
        OSError: The client went away first.
    """
    conn.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # otherwise single bytes would be sent in batches
    waits_first = reply.fault != Fault.DRIP
    if waits_first and reply.delay and _client_left(conn, within=reply.delay):
        return
    payload = b"" if head_only else reply.payload()
    _SEND_BY_FAULT[reply.fault](conn, reply, payload)


# -- reading ---------------------------------------------------------------------------------------


def _line(stream: BinaryIO) -> str:
    line = stream.readline(_LINE_LIMIT)
    if not line.endswith(b"\n"):
        raise ValueError("the request ended in the middle of a line")
    return line.decode("latin-1").strip()


def _header_pairs(stream: BinaryIO) -> list[tuple[str, str]]:
    pairs = []
    while line := _line(stream):
        name, _, value = line.partition(":")
        pairs.append((name, value.strip()))
    return pairs


def _body(stream: BinaryIO, headers: dict[str, str]) -> bytes:
    if "chunked" in headers.get("transfer-encoding", ""):
        return _chunks(stream)
    return _exactly(stream, int(headers.get("content-length", "0")))


def _chunks(stream: BinaryIO) -> bytes:
    body = b""
    while size := int(_line(stream).partition(";")[0], base=16):
        body += _exactly(stream, size)
        _line(stream)  # the line break after each chunk
    _header_pairs(stream)  # the trailers
    return body


def _exactly(stream: BinaryIO, size: int) -> bytes:
    data = stream.read(size)
    if len(data) < size:
        raise ValueError(f"the body ended after {len(data)} of {size} bytes")
    return data


def _client_left(conn: socket.socket, *, within: float) -> bool:
    """Wait `within` seconds and return whether the client left meanwhile."""
    ends = time.monotonic() + within
    try:
        while True:
            conn.settimeout(max(0.001, ends - time.monotonic()))  # 0 would be an error, not a short wait
            # Ignore what a client sends after its request, and watch only for the end.
            if not conn.recv(_LINE_LIMIT):
                return True
    except TimeoutError:
        return False
    finally:
        conn.settimeout(None)


# -- sending ---------------------------------------------------------------------------------------


def _send_whole(conn: socket.socket, reply: Reply, payload: bytes) -> None:
    conn.sendall(_head(reply) + payload)


def _send_half(conn: socket.socket, reply: Reply, payload: bytes) -> None:
    conn.sendall(_head(reply) + payload[: len(payload) // 2])


def _send_half_and_stall(conn: socket.socket, reply: Reply, payload: bytes) -> None:
    _send_half(conn, reply, payload)
    _client_left(conn, within=_FOREVER)


def _send_half_and_reset(conn: socket.socket, reply: Reply, payload: bytes) -> None:
    _send_half(conn, reply, payload)
    # A reset may overtake earlier bytes: give the client time to read them.
    _client_left(conn, within=0.02)
    _reset(conn, reply, payload)


def _send_drop_by_drop(conn: socket.socket, reply: Reply, payload: bytes) -> None:
    conn.sendall(_head(reply))
    for drop in payload:
        conn.sendall(bytes([drop]))
        if reply.delay and _client_left(conn, within=reply.delay):
            return


def _send_bad_gzip(conn: socket.socket, reply: Reply, payload: bytes) -> None:
    headers = (*reply.header_pairs(), ("Content-Encoding", "gzip"))
    _send_whole(conn, replace(reply, headers=headers), payload)


def _send_garbage(conn: socket.socket, _reply: Reply, _payload: bytes) -> None:
    conn.sendall(b"\x16\x03\x01 this is not HTTP\r\n\r\n")


def _stall(conn: socket.socket, _reply: Reply, _payload: bytes) -> None:
    _client_left(conn, within=_FOREVER)


def _close(_conn: socket.socket, _reply: Reply, _payload: bytes) -> None:
    """Do nothing: the caller closes the socket."""


def _reset(conn: socket.socket, _reply: Reply, _payload: bytes) -> None:
    # With a linger time of 0 the close that follows sends RST instead of FIN.
    conn.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))


_SEND_BY_FAULT: dict[str | None, Callable[[socket.socket, Reply, bytes], None]] = {
    None: _send_whole,
    Fault.RESET: _reset,
    Fault.CLOSE: _close,
    Fault.RESET_MID_BODY: _send_half_and_reset,
    Fault.TRUNCATE: _send_half,
    Fault.STALL: _stall,
    Fault.STALL_BODY: _send_half_and_stall,
    Fault.DRIP: _send_drop_by_drop,
    Fault.GARBAGE: _send_garbage,
    Fault.BAD_GZIP: _send_bad_gzip,
}


def _head(reply: Reply) -> bytes:
    lines = [f"HTTP/1.1 {reply.status} {_reason(reply.status)}"]
    lines += [f"{name}: {value}" for name, value in (*_missing_headers(reply), *reply.header_pairs())]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def _missing_headers(reply: Reply) -> list[tuple[str, str]]:
    """Return the headers that the reply needs and its author did not set."""
    written = {name.lower() for name, _ in reply.header_pairs()}
    payload = reply.payload()
    defaults = {"Connection": "close"}
    if payload:
        defaults["Content-Type"] = reply.content_type()
    if "transfer-encoding" not in written and reply.status != HTTPStatus.NO_CONTENT:
        defaults["Content-Length"] = str(len(payload))
    return [pair for pair in defaults.items() if pair[0].lower() not in written]


def _reason(status: int) -> str:
    try:
        return HTTPStatus(status).phrase
    except ValueError:
        return "Unknown"
