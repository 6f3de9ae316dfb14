"""Secrets recognized by the head of their column: in Markdown, SQL shells, CSV, or columns aligned with blanks."""

from typing import Final, NamedTuple

from agent_tools._core.secret_names import NAME, NAME_CLUES
from agent_tools._core.secret_rows import SECRET, compiled

_SEPARATORS: Final = (r"([|│])", r"(\t)", r"(,)", r"(;)", r"( {2,})")
_CELL: Final = r"[\s\"']*[\w.-]+(?: [\w.-]+){0,2}[\s\"']*"
_RULE: Final = r"[\s|│+:─┼=-]+"
_PAIR: Final = r"(\s{0,64}(?P<name>\w[\w.-]{0,64})(?:\t| {2,64}))[^\s\[]\S{0,2048}\s{0,64}"
_LONGEST: Final = 1_000
_CLUES: Final = tuple(NAME_CLUES.split())


class _Table(NamedTuple):
    """Where the secrets of a table are. Cells have even indexes, separators odd ones."""

    separator: str
    size: int
    secret: tuple[int, ...]


def without_secret_columns(text: str) -> str:
    """Return `text` with the cells hidden in columns named like a secret. Linear in the length of the text."""
    if not _has_clue(text):
        return text
    table: _Table | None = None
    lines = []
    for line in text.split("\n"):
        hidden = _hidden(line, table) if table else None
        if hidden is None:
            table = _table_under(line)
        lines.append(_without_value(line) if hidden is None else hidden)
    return "\n".join(lines)


def is_secret_name(cell: str) -> bool:
    """Return whether this column head or key is the name of a secret."""
    name = compiled(NAME).search(cell)
    return name is not None and cell[name.end() :].strip(" \r\"'") == ""


def _has_clue(text: str) -> bool:
    folded = text.lower()
    return any(clue in folded for clue in _CLUES)


def _table_under(head: str) -> _Table | None:
    """Return the table that `head` begins, or None when it begins no table, or one without secrets."""
    if len(head) > _LONGEST or not _has_clue(head):
        return None
    for separator in _SEPARATORS:
        parts = compiled(separator).split(head)
        cells = [cell for cell in parts[::2] if cell.strip()]
        if len(cells) > 1 and all(compiled(_CELL).fullmatch(cell) for cell in cells):
            secret = tuple(index for index in range(0, len(parts), 2) if is_secret_name(parts[index]))
            return _Table(separator, len(parts), secret) if secret else None
    return None


def _hidden(line: str, table: _Table) -> str | None:
    """Return a line of the table without its secrets, or None when the line is not part of the table."""
    if compiled(_RULE).fullmatch(line):
        return line
    parts = compiled(table.separator).split(line)
    if len(parts) != table.size:
        return None
    for index in table.secret:
        cell = parts[index]
        parts[index] = cell.replace(cell.strip(), SECRET) if cell.strip() else cell
    return "".join(parts)


def _without_value(line: str) -> str:
    """Return `line` without its value when it consists of a name, blanks and a value."""
    pair = compiled(_PAIR).fullmatch(line) if "\t" in line or "  " in line else None
    return f"{pair[1]}{SECRET}" if pair and is_secret_name(pair["name"]) else line
