"""Protocols with numbers of their own: gRPC, JSON-RPC as MCP speaks it, SMTP and FTP, AMQP.

Some of these numbers look like an HTTP status (SMTP 421, AMQP 403, FTP 530) and mean something else, so
the libraries that raise them are asked here, before anyone looks for a status.
"""

import re
from collections.abc import Callable
from dataclasses import replace

from agent_tools._classify.reading import Subject, call, items, number, read, text
from agent_tools._classify.tables.row import (
    BROKEN,
    LATE,
    NOT_NOW,
    PASSING,
    PERMANENT,
    REFUSED,
    REJECTED,
    THROTTLED,
    UNREACHED,
    Row,
    spread,
    worst,
)
from agent_tools._classify.waits import wait_in_metadata

ROW_BY_GRPC_CODE = spread(
    {
        THROTTLED: ("RESOURCE_EXHAUSTED",),
        PASSING: ("UNAVAILABLE", "INTERNAL"),
        LATE: ("DEADLINE_EXCEEDED",),
        REFUSED: ("UNAUTHENTICATED", "PERMISSION_DENIED"),
        REJECTED: (
            "INVALID_ARGUMENT",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "FAILED_PRECONDITION",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
        ),
    }
)
"""https://grpc.io/docs/guides/status-codes/. INTERNAL is HTTP's 500 (google/rpc/code.proto).

Every other code is NON_RETRYABLE.
"""

ROW_BY_GRPC_WORD = {
    "dns resolution failed": UNREACHED,
    "failed to connect to all addresses": UNREACHED,
    "connection refused": UNREACHED,
    "handshake failed": UNREACHED,
    "ssl_error": UNREACHED,
    "connection reset": BROKEN,
    "socket closed": BROKEN,
    "stream removed": BROKEN,
    "broken pipe": BROKEN,
    "goaway": BROKEN,
}
"""What the channel itself says beside UNAVAILABLE, when it was no server that answered."""

ROW_BY_JSON_RPC_CODE = spread(
    {
        LATE: (408, -32001),
        BROKEN: (-32000,),
        REJECTED: (-32700, -32600, -32601, -32602, -32042, -32002, 32600),
    }
)
"""MCP: 408 (SDK 1) and -32001 (SDK 2) are its own timeout, -32000 its closed connection, 32600 a session that the
server has forgotten. -32603 is what every
trouble of a server becomes, a refused login included, so it is not retried."""

ROW_BY_REPLY = spread(
    {
        REFUSED: (430, 530, 532, 534, 535, 538),
        BROKEN: (425, 426),
        NOT_NOW: (421, 450, 451, 452, 454),
    }
)
"""SMTP (RFC 5321, RFC 4954) and FTP (RFC 959). Other 4yz are worth another try by definition, 5yz are not."""

ROW_BY_AMQP_CODE = spread({REFUSED: (403, 530), BROKEN: (320, 501), NOT_NOW: (405,), PASSING: (541,)})
"""AMQP 0-9-1, 1.2. Every other code is NON_RETRYABLE."""

_UNAVAILABLE = "UNAVAILABLE"
_GRPC_CODE = re.compile(r"[A-Z_]{2,24}")
_REPLY = re.compile(r"([1-5][0-9]{2})[ -]")


def row_of(subject: Subject) -> Row | None:
    """Return what the number of an error's own protocol says, or None when it has none."""
    for library in READER_BY_LIBRARY.keys() & subject.kind.roots:
        return READER_BY_LIBRARY[library](subject)
    return None


def _by_grpc(subject: Subject) -> Row | None:
    code = text(read(call(subject.error, "code"), "name"))
    if not _GRPC_CODE.fullmatch(code):
        return None
    row = ROW_BY_GRPC_CODE.get(code, PERMANENT)
    if code == _UNAVAILABLE:
        row = _channel_trouble(text(call(subject.error, "details"), limit=1000)) or row
    after = wait_in_metadata(call(subject.error, "trailing_metadata"))
    return replace(row, rule=f"gRPC {code}", retry_after=after)


def _channel_trouble(details: str) -> Row | None:
    said = details.lower()
    return next((row for word, row in ROW_BY_GRPC_WORD.items() if word in said), None)


def _by_grpclib(subject: Subject) -> Row | None:
    code = text(read(subject.read("status"), "name"))
    return ROW_BY_GRPC_CODE.get(code, PERMANENT).named(f"gRPC {code}") if _GRPC_CODE.fullmatch(code) else None


def _by_json_rpc(subject: Subject) -> Row | None:
    code = number(read(subject.read("error"), "code"))
    if code is None:
        code = number(subject.read("code"))
    if code is None:
        return None
    return ROW_BY_JSON_RPC_CODE.get(code, PERMANENT).named(f"JSON-RPC {code}")


def _by_smtp(subject: Subject) -> Row | None:
    code = number(subject.read("smtp_code")) or number(subject.read("code"))
    if code is not None:
        return _by_reply(code)
    recipients = [number(reply[0]) for _, reply in items(subject.read("recipients")) if type(reply) is tuple and reply]
    rows = [row for code in recipients if code is not None and (row := _by_reply(code))]
    return worst(rows) if rows else None


def _by_ftp(subject: Subject) -> Row | None:
    match = _REPLY.match(text(subject.argument))
    return _by_reply(int(match[1])) if match else None


def _by_reply(code: int) -> Row | None:
    if not 400 <= code < 600:  # noqa: PLR2004  # negative replies
        return None
    row = ROW_BY_REPLY.get(code) or (NOT_NOW if code < 500 else REJECTED)  # noqa: PLR2004  # 5yz
    return row.named(f"reply {code}")


def _by_amqp(subject: Subject) -> Row | None:
    code = number(subject.read("reply_code"))
    return ROW_BY_AMQP_CODE.get(code, PERMANENT).named(f"AMQP {code}") if code else None


READER_BY_LIBRARY: dict[str, Callable[[Subject], Row | None]] = {
    "grpc": _by_grpc,
    "grpclib": _by_grpclib,
    "mcp": _by_json_rpc,
    "fastmcp": _by_json_rpc,
    "smtplib": _by_smtp,
    "aiosmtplib": _by_smtp,
    "ftplib": _by_ftp,
    "aioftp": _by_ftp,
    "pika": _by_amqp,
}
