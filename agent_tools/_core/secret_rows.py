"""Building blocks of the tables of secrets: rows, replacement words, and parts of patterns.

A pattern is compiled when a text first has one of its clues: most processes never see one.
"""

import re
from collections.abc import Callable
from functools import cache
from typing import Final

SECRET: Final = "[secret]"  # noqa: S105 -- the word that stands in for one.
LINK: Final = "[link]"
EMAIL: Final = "[email]"
PATH: Final = "[path]"
HOST: Final = "[host]"

#: The clue that every text with a character beyond ASCII has.
NOT_ASCII: Final = "\ufffe"

Word = str | Callable[[re.Match[str]], str]
Row = tuple[tuple[str, ...], str, Word]


def rows(word: Word, *table: tuple[str, str]) -> tuple[Row, ...]:
    """Return rows of clues and pattern. A row is tried if one of its clues occurs, or if it has none."""
    return tuple((tuple(clues.split(" ")), pattern, word) for clues, pattern in table)


@cache
def compiled(pattern: str) -> re.Pattern[str]:
    """Return the pattern, compiled when it is first needed."""
    return re.compile(pattern, re.DOTALL)


# -- Building blocks. A blank is " " or "\n"; an encoded blank (%20) is U+00A0, which is in \s but ends nothing.

# Where a word starts although a letter precedes it: repr() glues `\n` to it, a URL `%22`.
GLUED = r"(?<=\\[nrtbf])|(?<=%[0-9A-Fa-f]{2})"
START = rf"(?:(?<![A-Za-z0-9])|{GLUED})"

# The rest of a run without blanks and quotes. Punctuation at its end belongs to the sentence.
RUN = r"(?:\[(?:[a-z]+\])?+|[^ \t\n\"'`<>\[\]]|\](?=[\w/:?#&=.%-]))*(?<![.,;:!?)}])"

# In quotes: up to the same quote with as many backslashes (JSON in JSON); up to the end when it is never closed.
QUOTED = r"[bBrRuUnN]{0,2}(?P<quote>\\{0,15}[\"'`]|%2[27])(?:(?!(?<!\\)(?P=quote))(?:\\.|[^\\]|\\\Z))*+(?:(?P=quote))?"

# In brackets, one level deep. The replacement words are in brackets too, so they stay as they are.
BRACKETED = r"[\[({](?:[^\[\](){}]|[\[({][^\[\](){}]*+[\])}])*+[\])}]?"


# Between a name and its value.
_CLOSED = r"(?:[\\\"'`\]]|%2[27]){0,16}[^\S\n]{0,8}"
IS = (
    rf"{_CLOSED}(?:(?:=>|->|:=|={{1,3}}|[\uff1d]|%3[Ee])[^\S\n]{{0,8}}|[:\uff1a][^\S\n]{{0,8}}"
    # On the next line the value must stand alone.
    r"(?:\n[^\S\n]{0,16}(?=[\"'`]|(?:(?i:bearer|basic|token)\s)?[^\s:]{1,2048}[^\S\n]{0,3}(?:\n|\Z)))?)"
)
