"""Class names with a clear meaning, for libraries and applications that no table knows.

`HelpdeskRateLimited`, `UpstreamServiceUnavailable`, `CrmLoginFailed`: the end of a name is read as a code
word. Such a row is never `sure`: the error it was raised from takes precedence. Only words that mean "too
many requests" or "the service failed" everywhere make an error retryable.
"""

import re
import sys
from dataclasses import replace
from functools import lru_cache

from agent_tools._classify.tables.code_words import ROW_BY_WORD
from agent_tools._classify.tables.row import BROKEN, LATE, NOT_NOW, PASSING, PERMANENT, REFUSED, THROTTLED, Row, spread
from agent_tools._core.failure import ErrorCategory

ROW_BY_NAME = ROW_BY_WORD | spread(
    {
        PASSING: (
            "apiunavailable",
            "backendunavailable",
            "databaseunavailable",
            "gateway",
            "internalserver",
            "retriable",
            "retryable",
            "server",
            "servertransient",
            "serverunavailable",
            "storeunavailable",
            "temporary",
            "temporaryfail",
            "transient",
            "upstreamunavailable",
        ),
        NOT_NOW: (
            "deadlock",
            "locked",
            "lockedresource",
            "maintenance",
            "resourcelocked",
            "servernotready",
            "servicenotready",
            "unitnotready",
            "toomanyconnections",
            "writeconflict",
        ),
        THROTTLED: ("ddosprotection", "floodcontrol", "floodwait", "retryafter", "slowmode", "slowmodewait"),
        LATE: (
            "connecttimeout",
            "deadline",
            "readtimeout",
            "timeexhausted",
            "timelimit",
            "timelimitexceeded",
            "timeoutexceeded",
            "timeoutexpired",
            "timeoutreached",
        ),
        BROKEN: (
            "brokenconnection",
            "certificate",
            "communication",
            "connect",
            "connection",
            "connectionclosed",
            "connectionfailed",
            "connectionfailure",
            "connectionlost",
            "connectionaborted",
            "connectionbroken",
            "connectiondone",
            "connectiondropped",
            "connectionloss",
            "connectionrefused",
            "connectionreset",
            "connectionterminated",
            "connectivity",
            "connector",
            "couldnotconnect",
            "disconnect",
            "channelclosed",
            "notconnected",
            "unexpectedclose",
            "unexpectedeof",
            "disconnected",
            "dns",
            "dnslookup",
            "hostunreachable",
            "incompleteread",
            "nameresolution",
            "network",
            "networkunreachable",
            "nohostavailable",
            "noservers",
            "nobrokersavailable",
            "noroutetohost",
            "proxy",
            "serverdisconnected",
            "resolver",
            "serverclosed",
            "servernotfound",
            "serverunreachable",
            "sessionclosed",
            "sessionexpired",
            "socket",
            "socketclosed",
            "ssl",
            "streamclosed",
            "streamreset",
            "tls",
            "transport",
            "transportclosed",
            "unexpecteddisconnect",
            "unreachable",
            "unreachablehost",
        ),
        REFUSED: (
            "accessforbidden",
            "auth",
            "badcredential",
            "credentials",
            "login",
            "notloggedin",
            "oauth",
            "passwordrequired",
            "permission",
            "sessionpasswordneeded",
        ),
        PERMANENT: (
            "argument",
            "assertion",
            "configuration",
            "data",
            "decode",
            "decoding",
            "deserialization",
            "duplicate",
            "encode",
            "encoding",
            "entitytoolarge",
            "exists",
            "gone",
            "integrity",
            "json",
            "parse",
            "notexist",
            "notexists",
            "notmodified",
            "parsing",
            "payloadtoolarge",
            "programming",
            "schema",
            "serialization",
            "syntax",
            "toobig",
            "toolarge",
            "toolong",
            "type",
            "value",
        ),
    }
)
"""A word at the end of a class name, without suffixes like `Error`. Words too common as an ending follow below."""

WHOLE_NAMES = frozenset(
    {
        "auth",
        "data",
        "gateway",
        "json",
        "login",
        "permission",
        "proxy",
        "retriable",
        "retryable",
        "temporary",
        "transient",
        "type",
        "unavailable",
        "value",
    }
)
"""Words that only count as the whole name: a `ProductUnavailable` is not an outage."""

DENYING_STARTS = (
    "bad",
    "illegal",
    "incompatible",
    "invalid",
    "malformed",
    "missing",
    "no",
    "not",
    "unexpected",
    "unknown",
    "unsupported",
    "wrong",
)
"""Words that change the meaning of the word after them: an `InvalidTimeout` is a wrong argument."""

#: `TooManyLookupRequests`, `TooManyObjectsOpened`: a limit on what is under way at one time.
_TOO_MANY = re.compile("too many [a-z]+ (?:requests?|opened)$")

_HUMPS = re.compile(r"[A-Z]+(?=[A-Z][a-z])|[A-Z]?[a-z]+|[A-Z]+|[0-9]+")
_ENDINGS = frozenset({"Error", "Exception", "Err", "Failure", "Fault", "Response", "Result"})


def row_by_name(qualified: str) -> Row | None:
    """Return what the bare name in `rootmodule.ClassName` says, or None when it says nothing.

    Python's own classes are skipped: those with a clear meaning are in a table.
    """
    if qualified.partition(".")[0] in sys.stdlib_module_names:
        return None
    humps = _humps(qualified)
    row = ROW_BY_NAME.get("".join(humps)) or _row_by_end(humps)
    if row is None and _TOO_MANY.search(" ".join(humps)):
        row = THROTTLED
    if row is None:
        return None
    # A name proves nothing about what happened before the error was raised.
    sure = row.category is ErrorCategory.NON_RETRYABLE
    return replace(row, may_have_acted=True, sure=sure, rule=qualified)


@lru_cache(maxsize=1024)
def row_by_denial(qualified: str) -> Row | None:
    """Return NON_RETRYABLE when the name begins with a denial, which is weaker than a row of any base."""
    return PERMANENT.named(qualified) if _is_denied(_humps(qualified)) else None


def _row_by_end(humps: list[str]) -> Row | None:
    ends = ("".join(humps[start:]) for start in range(1, len(humps)))
    row = next((ROW_BY_NAME[end] for end in ends if end in ROW_BY_NAME and end not in WHOLE_NAMES), None)
    if row is None and _is_denied(humps):
        row = ROW_BY_NAME.get("".join(humps[1:]))  # `NoAuth`: even a word that only counts as the whole name
    # An `InvalidTimeout` is not a timeout, but an `InvalidUserCredentials` is about credentials.
    if row is None or (_is_denied(humps) and row.category is not ErrorCategory.AUTH_FAILURE):
        return None
    return row


def _humps(qualified: str) -> list[str]:
    humps = _HUMPS.findall(qualified.rpartition(".")[2])
    while len(humps) > 1 and humps[-1] in _ENDINGS:
        humps.pop()
    bare = [hump.lower() for hump in humps]
    return ["websocket", *bare[2:]] if bare[:2] == ["web", "socket"] else bare  # a WebSocket is not a socket error


def _is_denied(humps: list[str]) -> bool:
    return bool(humps) and humps[0] in DENYING_STARTS
