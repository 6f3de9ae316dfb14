"""Code words: what services call an error, in bodies, in `code` attributes and in class names.

A word is compared without case, separators and a trailing `Error`, `Exception` or `Fault`, so that
`rate_limit_exceeded`, `RateLimitExceeded` and `RateLimitExceededException` are one word. Most services
agree on what a word means; where one means something else by it, it has a table of its own below.

A word may overrule a status only where services are known to hide behind one: AWS throttles with 400,
Slack refuses with 200, GitHub and Google limit with 403. A 404 stays a 404, whatever the body says.
"""

import re
from collections.abc import Iterator
from functools import lru_cache
from itertools import chain, islice
from typing import Any  # what services put into bodies is of any shape

from agent_tools._classify.bodies import bodies_of, parts_of
from agent_tools._classify.reading import Kind, Subject, is_a, read, text
from agent_tools._classify.tables.row import LATE, NOT_NOW, PASSING, REFUSED, REJECTED, SPENT, THROTTLED, Row, spread

ROW_BY_WORD = spread(
    {
        THROTTLED: (
            "apiratelimitexceeded",
            "bandwidthlimitexceeded",
            "concurrentrequestlimitexceeded",
            "ec2throttled",
            "overratelimit",
            "provisionedthroughputexceeded",
            "ratelimit",
            "ratelimited",
            "ratelimitexceeded",
            "ratelimithit",
            "ratelimitreached",
            "requestlimitexceeded",
            "requestratetoolarge",
            "requestthrottled",
            "resourceexhausted",
            "secondaryratelimit",
            "slowdown",
            "throttled",
            "throttling",
            "throttlingquotaexceeded",
            "toomanyrequest",
            "toomanyrequests",
            "userratelimitexceeded",
        ),
        NOT_NOW: (
            "priorrequestnotcomplete",
            "transactionconflict",
            "transactioninprogress",
            "tryagain",
            "tryagainlater",
        ),
        PASSING: (
            "backenderror",
            "badgateway",
            "internalfailure",
            "internalservererror",
            "overloaded",
            "serverbusy",
            "serveroverloaded",
            "servertemporarilyunavailable",
            "serviceoverloaded",
            "serviceunavailable",
            "temporarilyunavailable",
            "unavailable",
        ),
        LATE: (
            "deadlineexceeded",
            "gatewaytimeout",
            "operationtimedout",
            "operationtimeout",
            "requesttimedout",
            "requesttimeout",
            "timedout",
            "timeout",
        ),
        REFUSED: (
            "accessdenied",
            "accesstokenexpired",
            "accountinactive",
            "apikeyexpired",
            "apikeyinvalid",
            "authenticationfailed",
            "authenticationfailure",
            "authenticationrequired",
            "authentication",
            "authfailed",
            "authfailure",
            "authorization",
            "authorizationfailed",
            "badcredentials",
            "expiredaccesstoken",
            "expiredapikey",
            "expiredauthtoken",
            "expiredtoken",
            "forbidden",
            "incompletesignature",
            "insufficientaccess",
            "insufficientpermission",
            "insufficientpermissions",
            "insufficientprivilege",
            "insufficientprivileges",
            "insufficientscope",
            "invalidaccesskeyid",
            "invalidaccesstoken",
            "invalidapikey",
            "invalidauth",
            "invalidauthentication",
            "invalidclient",
            "invalidclienttokenid",
            "invalidcredential",
            "invalidcredentials",
            "invalidgrant",
            "invalidlogin",
            "invalidsessionid",
            "invalidsignature",
            "invalidtoken",
            "loginfailed",
            "loginrequired",
            "missingauthentication",
            "missingauthenticationtoken",
            "missingcredentials",
            "missingscope",
            "nocredentials",
            "nopermission",
            "notauthed",
            "notauthenticated",
            "notauthorized",
            "permissiondenied",
            "signaturedoesnotmatch",
            "signatureexpired",
            "tokenexpired",
            "tokeninvalid",
            "tokenrevoked",
            "unauthenticated",
            "unauthorized",
            "unauthorizedaccess",
            "unrecognizedclient",
        ),
        SPENT: (
            "accountquotaexceeded",
            "billinghardlimitreached",
            "billinglimitreached",
            "billingnotactive",
            "creditbalancetoolow",
            "dailylimitexceeded",
            "insufficientcredit",
            "insufficientcredits",
            "insufficientquota",
            "outofcredits",
            "quotaexceeded",
            "spendlimitreached",
            "usagelimitexceeded",
            "usagelimitreached",
        ),
        REJECTED: (
            "alreadyexists",
            "badrequest",
            "conflict",
            "doesnotexist",
            "failedprecondition",
            "invalidargument",
            "invalidparameter",
            "invalidparameters",
            "invalidrequest",
            "methodnotfound",
            "notfound",
            "notimplemented",
            "notsupported",
            "outofrange",
            "resourcenotfound",
            "unimplemented",
            "unprocessableentity",
            "unsupported",
            "validation",
        ),
    }
)
"""What a word means, whoever says it."""

ROW_BY_WORD_BY_LIBRARY: dict[str, dict[str, Row]] = {
    # botocore/retries/standard.py, ThrottledRetryableChecker
    "botocore": {
        "limitexceeded": THROTTLED,
        "optinrequired": REFUSED,
        "requestexpired": REFUSED,
        "requesttimetooskewed": REFUSED,
        "unauthorizedoperation": REFUSED,
    },
    # https://docs.slack.dev/reference/methods/chat.postMessage, "Common errors"
    "slack_sdk": {
        "internalerror": PASSING,
        "fatalerror": PASSING,
        "ekmaccessdenied": REFUSED,
        "notallowedtokentype": REFUSED,
    },
    # Salesforce counts requests by the day; https://developer.salesforce.com/docs, "Status Codes and Error Responses"
    "simple_salesforce": {"requestlimitexceeded": SPENT, "unabletolockrow": NOT_NOW, "invalidsessionid": REFUSED},
}
"""Words that one library's service means in a way of its own; they come before the general ones."""

WORD_NAMES = ("code", "error_code", "error", "type", "status", "reason", "errcode", "errorCode")
"""Attributes that hold a word, or something that does."""

WORD_KEYS = (*WORD_NAMES, "Code", "Error", "__type", "errors", "details", "extensions", "fault", "err")
"""Keys of bodies that hold a word, or something that does."""

_WORTH_READING = frozenset({None, 400, 402, 403, 409, 413, 429, 500, 502, 503})
"""Statuses beside which words are looked for at all: the others are never overruled, and never a quota."""

_STATUSES_OVERRULED_BY_ROW = {
    THROTTLED: frozenset({None, 400, 403, 409, 413, 500, 502, 503}),
    NOT_NOW: frozenset({None, 400, 409}),
    REFUSED: frozenset({None, 400, 500}),
    LATE: frozenset({None, 400, 500, 503}),
    PASSING: frozenset({None}),
    SPENT: frozenset({None}),
    REJECTED: frozenset({None}),
}
"""Which statuses a word with this row overrules. None stands for no status, and for a 2xx."""

_KNOWN_WORDS = frozenset(ROW_BY_WORD).union(*ROW_BY_WORD_BY_LIBRARY.values())
_LONGEST_WORD = 80
_MOST_WORDS = 24
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_ENDINGS = ("exception", "error", "fault")


def said_by(subject: Subject, response: Any, *, status: int | None) -> tuple[str, ...]:
    """Return the code words of an error, its response and its class that any table knows.

    Args:
        subject: The error; the name of its class counts as a word only beside a status.
        response: What the error keeps as its response, or None.
        status: The HTTP status; beside most of them no word matters.
    """
    if status not in _WORTH_READING:
        return ()
    raw = islice(_raw_words(subject, response), _MOST_WORDS)
    names = (subject.kind.name,) if status is not None and subject.kind.foreign else ()
    return tuple(word for word in map(normalize, chain(raw, names)) if word in _KNOWN_WORDS)


def overruling(said: tuple[str, ...], kind: Kind, *, status: int | None) -> Row | None:
    """Return the row of the first word that overrules `status`, or None."""
    for word in said:
        row = _row_of(word, kind)
        if row is not None and status in _STATUSES_OVERRULED_BY_ROW[row]:
            return row.named(f"code {word}")
    return None


def is_quota(said: tuple[str, ...], kind: Kind) -> bool:
    """Return whether a word says that what was paid for is used up."""
    return any(_row_of(word, kind) == SPENT for word in said)


@lru_cache(maxsize=2048)
def normalize(word: str) -> str:
    """Return a word as the tables spell it: without case, separators and a trailing `Error`."""
    bare = _SEPARATORS.sub("", word.rpartition("#")[2].lower())
    if bare in _KNOWN_WORDS:
        return bare
    ending = next((ending for ending in _ENDINGS if bare.endswith(ending)), "")
    return bare.removesuffix(ending)


def _row_of(word: str, kind: Kind) -> Row | None:
    for library, table in ROW_BY_WORD_BY_LIBRARY.items():
        if library in kind.roots and word in table:
            return table[word]
    return ROW_BY_WORD.get(word)


def _raw_words(subject: Subject, response: Any) -> Iterator[str]:
    for value in subject.values(WORD_NAMES):
        yield from _words_in(value)
    for body in bodies_of(subject, response):
        yield from _words_in(body)


def _words_in(value: Any) -> Iterator[str]:
    """Yield what could be a word in `value`: itself, or what stands in it under a telling key."""
    for part in parts_of(value, WORD_KEYS):
        if is_a(part, str):
            word = text(part)
            if len(word) <= _LONGEST_WORD:
                yield word
        elif not (is_a(part, dict) or is_a(part, int)):
            # An object that stands for the error of the body, as stripe and azure have it.
            code = read(part, "code")
            if is_a(code, str):
                yield text(code)
