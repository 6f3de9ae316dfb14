"""Shows the examples of docstrings as code: without a fence, Markdown takes `>>>` for quotes."""

import re
from typing import Any

from griffe import Extension, Object

_EXAMPLE = re.compile(r"^( *)>>> .*(?:\n\1\S.*)*", re.MULTILINE)


class Doctests(Extension):
    """Puts a fence around each example."""

    def on_instance(self, *, obj: Object, **_: Any) -> None:  # noqa: D102
        if obj.docstring:
            obj.docstring.value = _EXAMPLE.sub(_fenced, obj.docstring.value)


def _fenced(match: re.Match[str]) -> str:
    indent = match[1]
    return f"{indent}```pycon\n{match[0]}\n{indent}```"
