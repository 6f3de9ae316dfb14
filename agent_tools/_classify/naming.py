"""What the name of an attribute, or of a key in a body, says about its value: its role.

Clients give the same fact many names: `status`, `_status`, `http_status_code`, `responseCode`. A name that an error
keeps in its own `__dict__`, and a key of a body, is read without case, underscores and hyphens, and by its ending.
Of the names that a *class* defines, only those listed here are read, since a property runs code. The value must
fit too: a status is a number in the range of statuses, a word is one that a table knows.
"""

import re
from functools import lru_cache


class Role:
    """What a value may be: bits of plain ints, which are faster to test than an `IntFlag`."""

    STATUS = 1
    HEADERS = 2
    RESPONSE = 4
    BODY = 8
    WORD = 16
    WAIT = 32
    MILLISECONDS = 64
    PART = 128
    """In a body, it may contain the wanted value."""
    WRAPPED = 256
    SQLSTATE = 512
    RETRIABLE = 1024
    GRPC = 2048
    TEXT = 4096
    """The text of an error when its `args` do not hold it."""
    ATTEMPT = 8192


NAMES_BY_ROLE: dict[int, tuple[str, ...]] = {
    Role.STATUS: (
        "status_code",
        "status",
        "http_status",
        "http_status_code",
        "response_status_code",
        "http_code",
        "statusCode",
        "errcode",
        "code",
        "errno",
    ),
    Role.HEADERS: ("headers", "response_headers", "hdrs", "http_headers"),
    Role.RESPONSE: ("response", "raw_response", "http_response", "resp", "meta", "response_info"),
    Role.BODY: ("body", "json_body", "data", "details", "content", "errors", "error_data"),
    Role.WORD: ("code", "error_code", "error", "type", "status", "reason", "errcode", "errorCode"),
    Role.WAIT: (
        "retry_after",
        "retry_after_s",
        "retry_after_seconds",
        "retry_delay",
        "retryAfter",
        "retryDelay",
        "backoff",
    ),
    # SQLAlchemy, urllib and urllib3, praw, azure, qdrant, twisted and similar
    Role.WRAPPED: (
        "orig",
        "reason",
        "original_exception",
        "original_error",
        "inner_exception",
        "source",
        "os_error",
        "errors",
        "info",
        "value",
    ),
    Role.SQLSTATE: ("sqlstate", "pgcode", "sql_state"),
    # kafka, aiokafka, neo4j, pulsar
    Role.RETRIABLE: (
        "retriable",
        "retryable",
        "is_retriable",
        "is_retryable",
        "should_retry",
        "is_transient",
        "transient",
    ),
}
"""Names that are always read, first and in this order."""

EXACT_NAMES_BY_ROLE: dict[int, tuple[str, ...]] = {
    Role.GRPC: ("code", "status", "grpc_status_code", "status_code", "_code"),
    Role.TEXT: (
        "message",
        "msg",
        "detail",
        "details",
        "description",
        "error_message",
        "reason",
        "error",
        "text",
        "value",
    ),
    Role.ATTEMPT: ("last_attempt",),
}
"""Names that are read as they stand: no other spelling and no ending counts."""

ENDINGS_BY_ROLE: dict[int, tuple[str, ...]] = {
    Role.STATUS: ("status", "statuscode", "httpcode", "responsecode", "errorcode", "errcode", "errno"),
    Role.HEADERS: ("headers", "hdrs"),
    Role.RESPONSE: ("response", "resp", "reply"),
    Role.BODY: ("body", "json", "data", "details", "content", "errors", "payload", "info", "errordict"),
    Role.WORD: (
        "code",
        "codename",
        "errorname",
        "error",
        "err",
        "errorid",
        "type",
        "fault",
        "kind",
        "reason",
        "status",
        "title",
    ),
    Role.WAIT: (
        "backoff",
        "backoffseconds",
        "cooldown",
        "ratelimitreset",
        "resetafter",
        "resetin",
        "retryafter",
        "retrydelay",
        "retryin",
        "secondstowait",
        "waitfor",
        "waitseconds",
        "waittime",
    ),
    Role.MILLISECONDS: ("ms", "millis", "milliseconds"),
    Role.SQLSTATE: ("sqlstate", "pgcode"),
    Role.RETRIABLE: ("retriable", "retryable", "istransient"),
}
"""How a name ends, without case and separators."""

_NESTED = ("errors", "details", "detail", "extensions", "parameters", "meta", "metadata", "fault", "error", "response")
_UNITS = re.compile(r"(?:inseconds|seconds|secs|sec|s|inmilliseconds|milliseconds|millis|inms|ms)$")
_LONGEST_NAME = 64
_SEPARATORS = re.compile(r"[_\-\s]+")
_LISTED_ROLES = {
    _SEPARATORS.sub("", name).lower(): sum(role for role, names in NAMES_BY_ROLE.items() if name in names)
    for names in NAMES_BY_ROLE.values()
    for name in names
}


@lru_cache(maxsize=8192)
def roles_of(name: str) -> int:
    """Return the roles of a name, as bits of `Role`."""
    if len(name) > _LONGEST_NAME:
        return 0
    bare = _SEPARATORS.sub("", name).lower()
    roles = sum(role for role, endings in ENDINGS_BY_ROLE.items() if bare.endswith(endings))
    roles |= _LISTED_ROLES.get(bare, 0)
    if _UNITS.sub("", bare, count=1).endswith(ENDINGS_BY_ROLE[Role.WAIT]):
        roles |= Role.WAIT
    return roles | Role.PART if roles & Role.WORD or bare in _NESTED else roles
