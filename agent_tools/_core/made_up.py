"""Names that the model made up: of tools, of arguments."""

import re

#: Names and ids as they should be. Others may hold line breaks or secrets.
_WORD = re.compile(r"[\w.:/@+-]{0,80}", re.ASCII)
_LONGEST_WORD = 80


def word(text: str) -> str:
    """Return `text`, which the model made up, in one line and without secrets."""
    if _WORD.fullmatch(text):
        return text
    from agent_tools._core.redaction import scrub  # noqa: PLC0415  # names are plain words as a rule

    line = "".join(char if char.isprintable() else " " for char in scrub(text))
    return line[:_LONGEST_WORD]
