"""Code words: what services call an error, in bodies, in `code` attributes and in class names.

A word is compared without case, separators and a trailing `Error`, `Exception` or `Fault`, so that
`rate_limit_exceeded`, `RateLimitExceeded` and `RateLimitExceededException` are one word. Most services
agree on what a word means; a service that means something else has its own table below.

A word may overrule a status only where services are known to hide behind one: AWS throttles with 400,
Slack refuses with 200, GitHub and Google limit with 403. A 404 stays a 404, whatever the body says.
"""

import re
from collections.abc import Iterable, Iterator
from enum import Enum
from functools import lru_cache
from typing import Any, TypeAlias  # Any: what services put into bodies is of any shape

from agent_tools._classify.bodies import parts_of, parts_of_bodies
from agent_tools._classify.naming import Role
from agent_tools._classify.reading import is_a, read, text
from agent_tools._classify.subject import Kind, Subject
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
            "clusteroutofmemory",
            "priorrequestnotcomplete",
            "queryqueuefull",
            "queuefull",
            "queueisfull",
            "transactionconflict",
            "transactioninprogress",
            "tryagain",
            "tryagainlater",
        ),
        PASSING: (
            "backenderror",
            "badgateway",
            "internalerror",
            "internalfailure",
            "internalservererror",
            "overloaded",
            "serverbusy",
            "serveroverloaded",
            "servertemporarilyunavailable",
            "serviceoverloaded",
            "serviceunavailable",
            "servererror",  # OAuth, RFC 6749, 4.1.2.1
            "temporarilyunavailable",
            "unavailable",
        ),
        LATE: (
            "deadlineexceeded",
            "exceededtimelimit",
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
            "accessrefused",
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
            "invalidapikeys",
            "invalidauth",
            "invalidauthentication",
            "invalidclient",
            "invalidclienttokenid",
            "invalidcredential",
            "invalidcredentials",
            "invalidgrant",
            "invalidlogin",
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
            "unauthorizedclient",
            "unauthorizedoperation",
            "unrecognizedclient",
            "consentrequired",
            "interactionrequired",
            "noauth",
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
"""What a word means, whichever service uses it."""

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
    # https://newsapi.org/docs/errors: "try the request again shortly"
    "newsapi": {"unexpectederror": PASSING},
    # Salesforce counts requests by the day; https://developer.salesforce.com/docs, "Status Codes and Error Responses"
    "salesforce": {"requestlimitexceeded": SPENT, "unabletolockrow": NOT_NOW, "invalidsessionid": REFUSED},
}
"""Words to which a service gives its own meaning, by a part of the root module of its clients. Checked first."""

_WORTH_READING = frozenset({None, 400, 402, 403, 409, 413, 429, 500, 502, 503})
"""Statuses for which words are looked up: the others are never overruled, and never mean a quota."""

_STATUSES_OVERRULED_BY_ROW = {
    THROTTLED: frozenset({None, 400, 403, 409, 413, 500, 502, 503}),
    NOT_NOW: frozenset({None, 400, 409}),
    REFUSED: frozenset({None, 400, 500}),
    LATE: frozenset({None, 400, 500, 503}),
    PASSING: frozenset({None}),
    SPENT: frozenset({None}),
    REJECTED: frozenset({None}),
}
"""Which statuses a word with this row overrules. None stands for a missing status or a 2xx."""

_WORDS_OF_LIBRARIES: frozenset[str] = frozenset().union(*ROW_BY_WORD_BY_LIBRARY.values())
LONGEST_WORD = 80
_MOST_WORDS = 24
_SEPARATORS = re.compile(r"[^a-z0-9]+")
_ENDINGS = ("exception", "error", "fault")

_LIMITED = re.compile(r"(?:ratelimit|throttl|toomanyrequest|callslimit)[a-z]{0,12}$")
_QUOTA = re.compile(
    r"quota|credits?(?:balance)?$|(?:daily|monthly|weekly|plan|billing|credits?|usage|spend|balance)[a-z]{0,12}limit"
)
_OVER = re.compile(r"exceeded|exhausted|reached|depleted|insufficient|outof|hit$|over|nomore|spent|toolow")
#: A quota per second or per minute refills while a call waits.
_SHORT_QUOTA = re.compile(r"rate|throttl|request|concurren|second|minute")


Word: TypeAlias = tuple[str, Row]
"""A normalized word and what it means."""


def said_by(subject: Subject, response: Any, *, status: int | None) -> list[Word]:
    """Return the code words of an error, its response and its class that any table knows.

    Args:
        subject: The error; the name of its class counts as a word only beside a status.
        response: What the error keeps as its response, or None.
        status: The HTTP status; with most statuses no word matters.
    """
    if status not in _WORTH_READING:
        return []
    kind = subject.kind
    raw = _raw_words(subject, response)[:_MOST_WORDS]
    if status is not None and kind.foreign:
        raw.append(kind.name)
    return [word for each in raw if (word := _known(each, kind)) is not None]


def overruling(said: list[Word], *, status: int | None) -> Row | None:
    """Return the row of the first word that overrules `status`, or None."""
    for word, row in said:
        if status in _STATUSES_OVERRULED_BY_ROW[row]:
            return row.named(f"code {word}")
    return None


def is_quota(said: list[Word]) -> bool:
    """Return whether a word says that the paid quota is used up."""
    return any(row is SPENT for _, row in said)


@lru_cache(maxsize=2048)
def _known(raw: str, kind: Kind) -> Word | None:
    word = normalize(raw)
    row = row_of_word(word, kind)
    return None if row is None else (word, row)


@lru_cache(maxsize=2048)
def normalize(word: str) -> str:
    """Return a word as the tables spell it: without case, separators and a trailing `Error`."""
    word = word.rpartition("#")[2].lower()
    bare = _SEPARATORS.sub("", word)
    if " " in word and bare not in ROW_BY_WORD:
        return ""  # a sentence, not a code
    if bare in ROW_BY_WORD or bare in _WORDS_OF_LIBRARIES or row_of_any_word(bare) is not None:
        return bare
    ending = next((ending for ending in _ENDINGS if bare.endswith(ending)), "")
    bare = bare.removesuffix(ending)
    if "." in word and bare not in ROW_BY_WORD:
        return normalize(word.partition(".")[0])  # Tencent, EC2: `AuthFailure.SignatureExpire`
    return bare


def row_of_word(word: str, kind: Kind) -> Row | None:
    """Return what a normalized word means to the library of that error, or None when no table knows it."""
    for library, table in ROW_BY_WORD_BY_LIBRARY.items():
        if word in table and any(library in root for root in kind.roots):
            return table[word]
    return row_of_any_word(word)


@lru_cache(maxsize=2048)
def row_of_any_word(word: str) -> Row | None:
    """Return what a normalized word means to most services, or None when no table knows it."""
    row = ROW_BY_WORD.get(word)
    if row is not None:
        return row
    if _LIMITED.search(word) and not word.startswith(("invalid", "no", "un", "bad")):
        return THROTTLED
    return SPENT if _QUOTA.search(word) and _OVER.search(word) and not _SHORT_QUOTA.search(word) else None


def row_by_words(subject: Subject) -> Row | None:
    """Return what the code words of an error say by themselves, without a status."""
    return overruling(said_by(subject, None, status=None), status=None)


def _raw_words(subject: Subject, response: Any) -> list[str]:
    words: list[str] = []
    for value in subject.find(Role.WORD):
        if type(value) is str:
            words.append(value)
        elif type(value) is not int:
            words += _words_in(parts_of(value, Role.PART))
    parts = parts_of_bodies(subject, response)
    if parts:
        words += _words_in(parts)
    return [word for word in words if len(word) <= LONGEST_WORD]


def _words_in(parts: Iterable[Any]) -> Iterator[str]:
    """Yield the possible words among the parts of a value: those whose keys mark them as such."""
    for part in parts:
        if issubclass(type(part), str):
            yield text(part)
        elif issubclass(type(part), Enum):
            yield text(read(part, "name"))
        elif not issubclass(type(part), (dict, int)):
            # An object that represents the error in the body, as in stripe and azure.
            code = read(part, "code")
            if is_a(code, str):
                yield text(code)
