r"""Text that may be shown to a model or written to a log, made from text that may hold secrets.

`scrub` is for text that was written for the model on purpose (a `ToolException`, a returned error, a
validator's message) and into which a key, a link or a path may have slipped. Each leaves a neutral word
behind: `[secret]`, `[link]`, `[email]`, `[path]`, `[host]`.

The rule: when in doubt take it out, but leave sentences, amounts, dates, order ids, field
names and UUIDs alone. The tables in `secret_patterns` say what is looked for and why. They run in order, those that
undo a disguise first, until nothing changes: so text that was encoded twice is found, and scrubbing is idempotent.
"""

import re
from collections.abc import Callable
from typing import Final

from agent_tools._core.secret_columns import without_secret_columns
from agent_tools._core.secret_names import NAME_CLUES
from agent_tools._core.secret_patterns import (
    BLANK_ROWS,
    DISGUISE_ROWS,
    LOOSE_ROWS,
    RESULT_DISGUISE_ROWS,
    RESULT_ROWS,
    ROWS,
)
from agent_tools._core.secret_rows import NOT_ASCII, Row, compiled

UNREADABLE: Final = "[text]"
ELLIPSIS: Final = "…"
_ROUNDS: Final = 8
_MARGIN: Final = 1024
_TRACEBACK: Final = "Traceback (most recent call last)"

# Words and plain numbers, one blank apart: such text holds no secret, except after one of these clues.
_PLAIN = (
    r"(?:(?!(?:[A-Za-z] ){3}|\d{4} \d{4} )[\"'(]?(?:"
    r"[A-Za-z]{1,19}(?:['-][A-Za-z]{1,15})?+|[$#]?\d{1,9}(?:[.,]\d{1,2})?+|[A-Z]{1,4}-\d{1,9})"
    r"[\"')]?[,.!?;]?(?: (?!\Z)|\Z))++\Z"
)
_PLAIN_CLUES = (*NAME_CLUES.split(), "bearer", "basic", "digest", "ntlm", "negotiate", "localhost", "identified")


def scrub(text: str, *, limit: int = 500) -> str:
    """Return `text` without secrets and addresses, on one line, in at most `limit` characters (1 or more).

    Text that is too long keeps its head and its tail, where the cause often stands. The result is empty
    when nothing readable was there (blank text, a bare traceback), for which the caller has a sentence.
    The time depends on `limit`, not on the length of the text. Nothing raises.

    What no pattern can know: a passphrase of plain words without quotes, a short key or a UUID without a
    name before it.
    """
    if len(text) <= limit and compiled(_PLAIN).match(text) and not _has_one_of(_PLAIN_CLUES, text.lower()):
        return text
    if (start := text.find(_TRACEBACK)) >= 0:
        text = text[:start]
    text = _settle(_window(text, limit, _settle))
    for _ in range(_ROUNDS):
        if len(text) <= limit:
            return text
        text = _settle(_shorten(text, limit))
    return ELLIPSIS


def scrub_result(text: str, *, limit: int = 4_000) -> str:
    """Return what a tool returned without its secrets, in at most `limit` characters (1 or more).

    For text that is a result, such as the output of a shell or the error of an MCP tool: lines, indentation, paths,
    and tracebacks stay, for the model works with them. Text that is too long keeps its head and its tail, cut
    between two lines where possible. Empty when nothing readable was there. The time depends on `limit`, not on the
    length of the text. Nothing raises.
    """
    text = _settle_result(_window(text, limit, _settle_result))
    for _ in range(_ROUNDS):
        if len(text) <= limit:
            return text if text.strip() else ""
        text = _settle_result(_shorten(text, limit))
    return ELLIPSIS


def _window(text: str, limit: int, settle: Callable[[str], str]) -> str:
    """Return all of a short text; of a long one head and tail, scrubbed, without the edges of the cut.

    What the cut leaves of a secret may not be recognized any more, but it lies within the margin or has no
    blank before the end of it.
    """
    size = limit + 2 * _MARGIN
    if len(text) <= 2 * size:
        return text
    head, tail = settle(text[:size]), settle(text[-size:])
    return f"{head[:-_MARGIN]} {ELLIPSIS} {tail[_MARGIN:].partition(' ')[2]}"


def _settle(text: str) -> str:
    """Return `text` after passes until nothing changes, each on text that is fully decoded first."""
    decoded = _until_stable(without_secret_columns(text), (*DISGUISE_ROWS, *BLANK_ROWS))
    return _hidden(decoded, ROWS, LOOSE_ROWS)


def _settle_result(text: str) -> str:
    text = _until_stable(text.replace("\r\n", "\n"), RESULT_DISGUISE_ROWS)
    return _hidden(without_secret_columns(text), RESULT_ROWS, (*DISGUISE_ROWS, *LOOSE_ROWS))


def _hidden(text: str, rows: tuple[Row, ...], disguises: tuple[Row, ...]) -> str:
    """Return `text` after the rows, and without its disguises if there was something behind them."""
    shown, undone = _until_stable(text, rows), _until_stable(text, disguises)
    if undone == text:
        return shown
    found = _until_stable(undone, rows)
    return shown if found == _until_stable(shown, disguises) else found


def _until_stable(text: str, rows: tuple[Row, ...]) -> str:
    for _ in range(_ROUNDS):
        before, text = text, _pass(text, rows)
        if text == before:
            return text
    return UNREADABLE


def _pass(text: str, rows: tuple[Row, ...]) -> str:
    """Return `text` after one pass over the rows."""
    folded = text.casefold() if text.isascii() else f"{text.casefold()}{NOT_ASCII}"
    for clues, pattern, word in rows:
        if _has_one_of(clues, folded):
            text = compiled(pattern).sub(word, text)
    return text


def _has_one_of(clues: tuple[str, ...], text: str) -> bool:
    for clue in clues:  # noqa: SIM110 -- any() takes three times as long.
        if clue in text:
            return True
    return False


def _shorten(text: str, limit: int) -> str:
    """Return `text` in at most `limit` characters, the middle left out, no marker such as `[secret]` cut in two."""
    room = max(limit - 3, 0)
    front = room * 2 // 3
    head = re.sub(r"(?:(?<=\s)\S{0,40}|\[[a-z]{0,6})\Z", "", text[:front])
    tail = re.sub(r"\A(?:\S{0,40}\s|[a-z]{0,6}\])", "", text[len(text) - room + front :])
    return f"{head.rstrip()} {ELLIPSIS} {tail.lstrip()}".strip()[:limit]
