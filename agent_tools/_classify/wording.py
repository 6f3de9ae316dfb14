"""What the wording of an error says: a status in its class name or its text.

The text of an error is the last resort. It is read for classes of applications and libraries only, from the
`args` and the attributes that hold text, never by `str()`. What counts is anchored: `HTTP 503`, `status code 503`,
`error 503:`, a leading `503 `, a status before its own phrase, or a whole text that is one code word. Words in the
middle of a sentence say nothing. A match sets the category, but only a tool declared idempotent is retried
for it (`Veto.TEXT`), and no text proves that a request was not processed.
"""

import re
from dataclasses import replace
from functools import lru_cache
from http import HTTPStatus

from agent_tools._classify.naming import Role
from agent_tools._classify.reading import number, text
from agent_tools._classify.subject import Kind, Subject
from agent_tools._classify.tables import code_words, http
from agent_tools._classify.tables.row import SOME_CONNECTION_TROUBLE, Row
from agent_tools._classify.tables.texts import ROW_BY_ERRNO_TEXT, ROW_BY_PHRASE
from agent_tools._classify.waits import wait_in_text
from agent_tools._core.failure import ErrorCategory, Veto

_LONGEST_TEXT = 500
_MOST_TEXTS = 6
_STATUS = "(?P<status>[45][0-9]{2})"
_PHRASES = "|".join(re.escape(each.phrase) for each in HTTPStatus if each >= 400)  # noqa: PLR2004  # errors only

#: `Http503Error`, `HTTPError503`, `Error503`, but not `Sha512Error` or `Ec2Error`.
_STATUS_IN_NAME = re.compile(rf"(?:http|status|error|code|response)_?{_STATUS}(?![0-9])", re.IGNORECASE)

#: `HTTPStatus0Error`: clients in browsers and their ports call it status 0 when no response came.
_STATUS_0_IN_NAME = re.compile("http_?status_?0(?![0-9])", re.IGNORECASE)

_ROW_BY_ANY_PHRASE = ROW_BY_PHRASE | ROW_BY_ERRNO_TEXT
_PHRASE = re.compile(rf"(?<![a-z])(?:{'|'.join(map(re.escape, _ROW_BY_ANY_PHRASE))})")
_ANY_STATUS = re.compile("[45][0-9]{2}")
_ENDS = r"(?=$|[:)\],.;]| - )"
_STATUS_IN_TEXT = tuple(
    re.compile(pattern, re.IGNORECASE)
    for pattern in (
        rf"^[\s\[(<'\"]{{0,3}}{_STATUS}[\])>'\"]{{0,2}}\s*(?:$|[:,;\-\u2013|])",
        rf"^[\[(<]{_STATUS}[\])>] ",
        rf"^{_STATUS} (?-i:[A-Z{{<\[(])",
        rf"\bHTTP(?:/[0-9](?:\.[0-9])?)?(?:[ _-]?(?:error|status|code|response)){{0,3}}[ :=#(\['\"]{{1,3}}{_STATUS}\b",
        rf"\bstatus(?:[ _-]?code)?['\"]?(?: is| was| of| error)?[ :=(\[<'\"]{{1,3}}{_STATUS}\b",
        rf"\b(?:client|server) error '{_STATUS} ",  # httpx
        rf"\b(?:error|response|code)(?:[ _-]?code)?[ :=(\[#]{{1,3}}{_STATUS}{_ENDS}",
        rf"\b(?:returned|responded with|got|received) {_STATUS}{_ENDS}",
        rf"\b{_STATUS} (?:client|server) error\b",  # requests
        rf"[(\[]{_STATUS}[)\]]",
        rf"\b{_STATUS}[ :]{{1,2}}(?:{_PHRASES})",
    )
)


@lru_cache(maxsize=1024)
def row_by_name_status(kind: Kind) -> Row | None:
    """Return what a status in the name of the class says, or None when there is none."""
    if _STATUS_0_IN_NAME.search(kind.name):
        return SOME_CONNECTION_TROUBLE.named(kind.name)
    match = _STATUS_IN_NAME.search(kind.name)
    row = http.row_by_status(http.as_status(int(match["status"]))) if match else None
    return None if row is None else row.named(f"{kind.name}, HTTP {row.status_code}")


def row_by_text(subject: Subject) -> Row | None:
    """Return what the text of an error says, or None when that is nothing or nobody vouches for it."""
    if not subject.kind.foreign:
        return None
    numbers = map(number, subject.args[:_MOST_TEXTS])
    rows = [_of_status(found) for found in numbers if found is not None]
    rows += map(row_in_text, _texts(subject))
    return next(filter(None, rows), None)


def row_in_text(said: str) -> Row | None:
    """Return what a text says about a failed request, or None when it says nothing in an anchored form."""
    said = said[:_LONGEST_TEXT].strip()
    row = _by_status(said) or _by_code_word(said) or _by_phrase(said)
    if row is None:
        return None
    after = wait_in_text(said) if row.category is ErrorCategory.RETRYABLE else None
    return replace(row, retry_after=after, may_have_acted=True, veto=row.veto or Veto.TEXT, sure=False)


def _texts(subject: Subject) -> list[str]:
    values = [*subject.args[:_MOST_TEXTS], *subject.find(Role.TEXT)][: 2 * _MOST_TEXTS]
    return [text(value, limit=_LONGEST_TEXT) for value in values if issubclass(type(value), (str, bytes))]


def _of_status(found: int) -> Row | None:
    row = http.row_by_status(found) if found in set(HTTPStatus) and found >= 400 else None  # noqa: PLR2004  # errors
    return None if row is None else replace(row, may_have_acted=True, veto=Veto.TEXT, sure=False)


def _by_status(said: str) -> Row | None:
    if not _ANY_STATUS.search(said):  # most texts have none, and ten patterns are slow
        return None
    matches = (pattern.search(said) for pattern in _STATUS_IN_TEXT)
    found = next((match for match in matches if match), None)
    return None if found is None else http.row_by_status(http.as_status(int(found["status"])))


def _by_code_word(said: str) -> Row | None:
    if len(said) > code_words.LONGEST_WORD:
        return None
    word = code_words.normalize(said.rstrip("."))
    row = code_words.row_of_any_word(word)
    return None if row is None else row.named(f"text {word}")


def _by_phrase(said: str) -> Row | None:
    match = _PHRASE.search(said.lower())
    return None if match is None else _ROW_BY_ANY_PHRASE[match[0]].named(f"text {match[0]}")
