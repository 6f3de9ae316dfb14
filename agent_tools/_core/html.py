"""Plain data as HTML for notebooks; everything shown is escaped here.

Text inherits its color and lines are half transparent, so both are readable on light and on dark.
"""

from collections.abc import Iterable, Sequence
from html import escape

_CELL = "text-align:left;vertical-align:top;padding:2px 12px 2px 0;white-space:normal"
_LINE = "border-bottom:1px solid rgba(128,128,128,.4)"


def table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """Return a table of texts."""
    lines = "".join(f"<tr>{_cells('td', row)}</tr>" for row in rows)
    return f'<table style="border-collapse:collapse"><tr>{_cells("th", head, _LINE)}</tr>{lines}</table>'


def _cells(tag: str, texts: Iterable[str], style: str = "") -> str:
    return "".join(f'<{tag} style="{_CELL};{style}">{escape(text)}</{tag}>' for text in texts)
