"""Protocols with numbers of their own: gRPC, JSON-RPC as MCP speaks it, AMQP, curl, Kafka, Thrift, Redis.

Some of these numbers look like an HTTP status (AMQP 403) and mean something else, so the libraries that raise
them are handled here, before any search for a status.
"""

import re
from collections.abc import Callable
from dataclasses import replace
from enum import Enum
from functools import lru_cache

from agent_tools._classify.naming import Role
from agent_tools._classify.reading import call, is_a, members, name_of, number, read, text
from agent_tools._classify.subject import PLAIN_TYPES, Kind, Subject
from agent_tools._classify.tables import mail
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
)
from agent_tools._classify.waits import wait_in_metadata
from agent_tools._core.failure import FORGOTTEN_SESSION

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

NUMBER_BY_GRPC_CODE = {
    code: number
    for number, code in enumerate(
        (
            "OK",
            "CANCELLED",
            "UNKNOWN",
            "INVALID_ARGUMENT",
            "DEADLINE_EXCEEDED",
            "NOT_FOUND",
            "ALREADY_EXISTS",
            "PERMISSION_DENIED",
            "RESOURCE_EXHAUSTED",
            "FAILED_PRECONDITION",
            "ABORTED",
            "OUT_OF_RANGE",
            "UNIMPLEMENTED",
            "INTERNAL",
            "UNAVAILABLE",
            "DATA_LOSS",
            "UNAUTHENTICATED",
        )
    )
}

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
"""The channel's own texts with UNAVAILABLE when no server answered."""

ROW_BY_JSON_RPC_CODE = spread(
    {
        LATE: (408, -32001),
        BROKEN: (-32000,),
        REJECTED: (-32700, -32600, -32601, -32602, -32042, -32002),
    }
)
"""MCP: 408 (SDK 1) and -32001 (SDK 2) are its own timeout, -32000 its closed connection. Servers report every
problem as -32603, a refused login included, so it is not retried."""

#: How MCP reports HTTP 404 for a session: SDK 1 by its own code, SDK 2 and servers by their wording.
_MCP_1_FORGOTTEN, _INVALID_REQUEST = 32600, -32600
_ETHEREUM_LIMIT = -32005
_FORGOTTEN = ("Session terminated", "Session not found")

ROW_BY_CURL_CODE = spread(
    {
        UNREACHED: (5, 6, 7, 35, 51, 60, 97),
        BROKEN: (16, 18, 52, 55, 56, 81, 92, 95, 96),
        LATE: (28,),
        REFUSED: (9, 67, 94),
        REJECTED: (1, 3, 4, 41, 43, 48, 53, 54, 58, 59, 66, 77, 83, 90, 91),
    }
)
"""https://curl.se/libcurl/c/libcurl-errors.html. Every other number is NON_RETRYABLE."""

ROW_BY_KAFKA_NAME = spread(
    {
        BROKEN: ("_TRANSPORT", "_ALL_BROKERS_DOWN", "_RESOLVE", "_SSL", "NETWORK_EXCEPTION"),
        LATE: ("_TIMED_OUT", "_MSG_TIMED_OUT", "_TIMED_OUT_QUEUE", "REQUEST_TIMED_OUT"),
        REFUSED: ("_AUTHENTICATION", "SASL_AUTHENTICATION_FAILED", "ILLEGAL_SASL_STATE"),
        NOT_NOW: ("_QUEUE_FULL",),
        THROTTLED: ("THROTTLING_QUOTA_EXCEEDED",),
    }
)
"""librdkafka's `rd_kafka_resp_err_t`. Names that end in AUTHORIZATION_FAILED count as refused too."""

ROW_BY_THRIFT_TYPE = spread({UNREACHED: (1,), LATE: (3,), BROKEN: (4,)})
"""`TTransportException`: NOT_OPEN, TIMED_OUT, END_OF_FILE."""

ROW_BY_RESP_WORD = spread(
    {
        REFUSED: ("NOAUTH", "WRONGPASS", "NOPERM"),
        NOT_NOW: ("LOADING", "BUSY", "TRYAGAIN", "READONLY", "NOREPLICAS", "EXECABORT"),
        PASSING: ("CLUSTERDOWN", "MASTERDOWN"),
    }
)
"""The first word of an error reply of Redis and Valkey. https://redis.io/docs/latest/develop/reference/protocol-spec/"""

ROW_BY_AMQP_CODE = spread({REFUSED: (403, 530), BROKEN: (320, 501), NOT_NOW: (405,), PASSING: (541,)})
"""AMQP 0-9-1, 1.2. Every other code is NON_RETRYABLE."""

_UNAVAILABLE = "UNAVAILABLE"
_GRPC_CODE = re.compile(r"[A-Z_]{2,24}")
_CURL_IN_TEXT = re.compile(r"\bcurl: \(([0-9]{1,2})\)")
_RESP_WORD = re.compile(r"[A-Z]{4,12}(?= )")


def row_of(subject: Subject) -> Row | None:
    """Return what the number of an error's own protocol says, or None when it has none."""
    for reader in _readers_of(subject.kind):
        row = reader(subject)
        if row is not None:
            return row
    row = _by_grpc_enum(subject) if Role.GRPC in subject.names else None
    return row if row is not None or type(subject.argument) is str else _by_kafka(subject)


@lru_cache(maxsize=1024)
def _readers_of(kind: Kind) -> tuple[Callable[[Subject], Row | None], ...]:
    roots = kind.roots
    exact = [reader for library, reader in READER_BY_LIBRARY.items() if library in roots]
    return tuple(exact or [reader for word, reader in READER_BY_WORD.items() if any(word in root for root in roots)])


def _by_grpc(subject: Subject) -> Row | None:
    code = text(read(call(subject.error, "code"), "name"))
    if not _GRPC_CODE.fullmatch(code):
        return None
    row = _of_grpc(code, text(call(subject.error, "details"), limit=1000))
    return replace(row, retry_after=wait_in_metadata(call(subject.error, "trailing_metadata")))


def _of_grpc(code: str, details: str) -> Row:
    row = ROW_BY_GRPC_CODE.get(code, PERMANENT)
    if code == _UNAVAILABLE:
        row = _channel_trouble(details) or row
    if "message larger than max" in details:  # the client's limit for responses, not the server's for requests
        row = PERMANENT
    return row.named(f"gRPC {code}")


def _channel_trouble(details: str) -> Row | None:
    said = details.lower()
    return next((row for word, row in ROW_BY_GRPC_WORD.items() if word in said), None)


def _by_grpc_enum(subject: Subject) -> Row | None:
    """Return what a member of a gRPC status enum says, whichever client and attribute has it."""
    for value in subject.find(Role.GRPC):
        if not issubclass(type(value), Enum):
            continue
        code, of_enum = text(read(value, "name")), read(value, "value")
        if NUMBER_BY_GRPC_CODE.get(code) == number(next(iter(members(of_enum, slice(1))), of_enum)) is not None:
            return _of_grpc(code, text(subject.read("message"), limit=1000))
    return None


def _by_grpclib(subject: Subject) -> Row | None:
    code = text(read(subject.read("status"), "name"))
    return ROW_BY_GRPC_CODE.get(code, PERMANENT).named(f"gRPC {code}") if _GRPC_CODE.fullmatch(code) else None


def _by_json_rpc(subject: Subject) -> Row | None:
    error = subject.read("error")
    code = number(read(error, "code"))
    if code is None:
        code = number(subject.read("code"))
    if code is None:
        return None
    if code == _MCP_1_FORGOTTEN or (code == _INVALID_REQUEST and read(error, "message") in _FORGOTTEN):
        return REJECTED.named(FORGOTTEN_SESSION)
    return ROW_BY_JSON_RPC_CODE.get(code, PERMANENT).named(f"JSON-RPC {code}")


def _by_ethereum(subject: Subject) -> Row | None:
    """Return what a node's "limit exceeded" says (EIP-1474); its other codes stand for a dozen causes each."""
    code = number(read(read(subject.read("rpc_response"), "error"), "code"))
    return THROTTLED.named(f"JSON-RPC {code}") if code == _ETHEREUM_LIMIT else None


def _by_amqp(subject: Subject) -> Row | None:
    code = number(subject.read("reply_code")) or number(subject.read("code"))
    return ROW_BY_AMQP_CODE.get(code, PERMANENT).named(f"AMQP {code}") if code else None


def _by_curl(subject: Subject) -> Row | None:
    code = number(subject.read("code")) or number(subject.read("errno")) or number(subject.argument)
    match = None if code else _CURL_IN_TEXT.search(text(subject.argument))
    code = int(match[1]) if match else code
    if not code or not 0 < code < 100:  # noqa: PLR2004  # curl's own numbers
        return None
    return ROW_BY_CURL_CODE[code].named(f"curl {code}") if code in ROW_BY_CURL_CODE else None


def _by_kafka(subject: Subject) -> Row | None:
    """Return what librdkafka's `KafkaError` says, which confluent-kafka raises as an argument."""
    held = subject.argument
    if is_a(held, (*PLAIN_TYPES, dict)) or name_of(held) != "KafkaError":
        return None
    name = text(call(held, "name"))
    row = REFUSED if name.endswith("AUTHORIZATION_FAILED") else ROW_BY_KAFKA_NAME.get(name)
    if row is None:
        row = PASSING if call(held, "retriable") is True else PERMANENT
    return replace(row, rule=f"Kafka {name}", may_have_acted=True)


def _by_thrift(subject: Subject) -> Row | None:
    code = number(subject.read("type"))
    row = ROW_BY_THRIFT_TYPE.get(code) if code and subject.kind.name == "TTransportException" else None
    return None if row is None else replace(row, rule=f"Thrift {code}", sure=False)


def _by_resp(subject: Subject) -> Row | None:
    match = _RESP_WORD.match(text(subject.argument))
    row = ROW_BY_RESP_WORD.get(match[0]) if match else None
    return None if row is None or match is None else row.named(f"Redis {match[0]}")


READER_BY_LIBRARY: dict[str, Callable[[Subject], Row | None]] = {
    "grpc": _by_grpc,
    "grpclib": _by_grpclib,
    "mcp": _by_json_rpc,
    "fastmcp": _by_json_rpc,
    "smtplib": mail.by_smtp,
    "ftplib": mail.by_ftp,
    "imaplib": mail.by_response_code,
    "poplib": mail.by_response_code,
    "amqp": _by_amqp,
    "kombu": _by_amqp,
    "pika": _by_amqp,
    "thrift": _by_thrift,
    "web3": _by_ethereum,
}

READER_BY_WORD: dict[str, Callable[[Subject], Row | None]] = {
    "smtp": mail.by_smtp,
    "ftp": mail.by_ftp,
    "imap": mail.by_response_code,
    "pop3": mail.by_response_code,
    "amqp": _by_amqp,
    "aiormq": _by_amqp,
    "aio_pika": _by_amqp,
    "curl": _by_curl,
    "thrift": _by_thrift,
    "redis": _by_resp,
    "valkey": _by_resp,
}
"""Clients with other names, by a part of their root module: aiosmtplib, imap_tools, curl_cffi, coredis."""
