"""Mail and files: the replies of SMTP and FTP, the response codes of IMAP and POP3.

SMTP 421 and FTP 530 look like an HTTP status and mean something else, so the libraries that raise them are
handled here, before any search for a status.
"""

import re

from agent_tools._classify.bodies import parts_of
from agent_tools._classify.reading import items, number, text
from agent_tools._classify.subject import Subject
from agent_tools._classify.tables.row import (
    BROKEN,
    NOT_NOW,
    PASSING,
    REFUSED,
    REJECTED,
    SPENT,
    Row,
    spread,
    worst,
)

ROW_BY_REPLY = spread(
    {
        REFUSED: (430, 530, 532, 534, 535, 538),
        BROKEN: (425, 426),
        NOT_NOW: (421, 450, 451, 452, 454),
    }
)
"""SMTP (RFC 5321, RFC 4954) and FTP (RFC 959). Other 4yz are worth a retry by definition, 5yz are not."""

ROW_BY_RESPONSE_CODE = spread(
    {
        REFUSED: ("AUTH", "AUTHENTICATIONFAILED", "AUTHORIZATIONFAILED", "EXPIRED", "NOPERM", "PRIVACYREQUIRED"),
        NOT_NOW: ("INUSE", "IN-USE", "LIMIT", "LOGIN-DELAY", "THROTTLED"),
        PASSING: ("UNAVAILABLE", "SERVERBUG", "SYS/TEMP"),
        SPENT: ("OVERQUOTA",),
        REJECTED: (
            "ALREADYEXISTS",
            "BADCHARSET",
            "CANNOT",
            "CLIENTBUG",
            "CORRUPTION",
            "EXPUNGEISSUED",
            "NONEXISTENT",
            "SYS/PERM",
            "TOOBIG",
            "TRYCREATE",
        ),
    }
)
"""IMAP (RFC 5530) and POP3 (RFC 2449, RFC 3206). THROTTLED is Microsoft's and Gmail's."""

_REPLY = re.compile(r"([1-5][0-9]{2})[ -]")
_RESPONSE_CODE = re.compile(r"\[([A-Z][A-Z/\-]{2,24})[\] ]")


def by_smtp(subject: Subject) -> Row | None:
    """Return what the reply code of SMTP says; of several recipients the worst counts."""
    code = number(subject.read("smtp_code")) or number(subject.read("code"))
    if code is not None:
        return _by_reply(code)
    recipients = [number(reply[0]) for _, reply in items(subject.read("recipients")) if type(reply) is tuple and reply]
    rows = [row for code in recipients if code is not None and (row := _by_reply(code))]
    return worst(rows) if rows else None


def by_ftp(subject: Subject) -> Row | None:
    """Return what the reply code at the start of an FTP error says."""
    match = _REPLY.match(text(subject.argument))
    return _by_reply(int(match[1])) if match else None


def by_response_code(subject: Subject) -> Row | None:
    """Return what the bracketed code in the text of an IMAP or POP3 error says."""
    for argument in parts_of(subject.args, 0):
        match = _RESPONSE_CODE.search(text(argument))
        row = ROW_BY_RESPONSE_CODE.get(match[1]) if match else None
        if match and row is not None:
            return row.named(f"response code {match[1]}")
    return None


def _by_reply(code: int) -> Row | None:
    if not 400 <= code < 600:  # noqa: PLR2004  # negative replies
        return None
    row = ROW_BY_REPLY.get(code) or (NOT_NOW if code < 500 else REJECTED)  # noqa: PLR2004  # 5yz
    return row.named(f"reply {code}")
