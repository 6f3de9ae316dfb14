"""The words of an answer: the user's own where given, else the default ones.

    texts = {
        "auth_failure": "{tool} ist zurzeit gesperrt. Sage das dem Kunden.",      # a category
        "circuit": "{tool} ist ausgefallen, noch {retry_after} s lang.",          # a reason
        "get_order": "Die Bestellauskunft antwortet nicht.",                      # a tool
        ("get_order", "timeout"): lambda outcome: translated(outcome),            # both
    }

The most precise one is used: tool and reason, tool and category, tool, reason, category. A function that returns
nothing or raises, or a template with a field that has no value this time, gives way to the next one, and the last
of them to the default text.

Text written for the model (`Failure.detail`: wrong arguments, a `ToolException`) takes precedence over a template
without `{detail}`.
"""

from collections.abc import Callable, Iterator, Mapping
from string import Formatter
from typing import TYPE_CHECKING, NamedTuple

from agent_tools._call.listeners import logger
from agent_tools._core.failure import ErrorCategory
from agent_tools._core.own_rules import is_async
from agent_tools._core.reason import Reason

if TYPE_CHECKING:
    from agent_tools._core.outcome import Outcome

#: Returns the words for an outcome; None, or a blank text, leaves it to the next one.
Function = Callable[["Outcome"], str | None]

#: By category, reason, tool, or (tool, category or reason); a function alone is called for every answer.
Texts = Mapping[str | tuple[str, str], str | Function] | Function

_KINDS = frozenset({*ErrorCategory, *Reason})

#: Characters of an answer in the user's words.
_LIMIT = 2000

#: What a template may name; None is not known this time. All times are seconds.
VALUE_BY_FIELD: dict[str, Callable[["Outcome"], object]] = {
    "attempts": lambda outcome: outcome.attempts,
    "category": lambda outcome: outcome.failure.category,
    "detail": lambda outcome: outcome.failure.detail,
    "elapsed": lambda outcome: f"{outcome.elapsed:.1f}",
    "reason": lambda outcome: outcome.reason,
    "retry_after": lambda outcome: _number(outcome.failure.retry_after),
    "status_code": lambda outcome: outcome.failure.status_code,
    "tool": lambda outcome: outcome.tool,
}


class _Template(NamedTuple):
    text: str
    fields: frozenset[str]


class OwnTexts:
    """The checked value of `texts=`.

    Attributes:
        tools: Those that have words of their own.

    Raises:
        TypeError: A key or a text of the wrong type.
        ValueError: A blank template, one with an unknown field, or a pair without a category or reason.
    """

    def __init__(self, texts: Texts | None) -> None:
        if isinstance(texts, str):
            raise TypeError(f"texts must be a mapping or a function, not the text {texts!r}")
        self._text_by_key: dict[tuple[str | None, str | None], _Template | Function] = {}
        if isinstance(texts, Mapping):
            self._text_by_key = {_key(key): _text(f"texts[{key!r}]", given) for key, given in texts.items()}
        elif texts is not None:
            self._text_by_key = {(None, None): _function("texts", texts)}
        self.tools = {tool for tool, _ in self._text_by_key if tool is not None}

    def own(self, outcome: "Outcome", *, result: str | None = None) -> str | None:
        """Return the user's text, None if there is none.

        Args:
            outcome: How the call ended.
            result: The error text that the tool returned. The user's text replaces it; a template may include it as
                `{detail}`.
        """
        for text in self._candidates(outcome) if self._text_by_key else ():
            words = _filled(text, outcome, result) if isinstance(text, _Template) else _answered(text, outcome)
            if words is not None and words.strip():
                return words if len(words) <= _LIMIT else f"{words[: _LIMIT - 1]}…"
        return None

    def _candidates(self, outcome: "Outcome") -> Iterator["_Template | Function"]:
        """Yield what there is for `outcome`, the most precise first."""
        tool, reason, category = outcome.tool, str(outcome.reason), str(outcome.failure.category)
        for key in ((tool, reason), (tool, category), (tool, None), (None, reason), (None, category), (None, None)):
            if key in self._text_by_key:
                yield self._text_by_key[key]


def _filled(template: _Template, outcome: "Outcome", result: str | None) -> str | None:
    """Return the text with its fields filled in, None when one of them is not known."""
    if result is None and outcome.failure.detail is not None and "detail" not in template.fields:
        return None
    values = {field: VALUE_BY_FIELD[field](outcome) for field in template.fields}
    if result is not None and "detail" in values:
        values["detail"] = result
    return None if None in values.values() else template.text.format_map(values)


def _answered(function: Function, outcome: "Outcome") -> str | None:
    """Return the text of the user's function; its errors are logged, not raised."""
    try:
        words: object = function(outcome)
    except Exception as error:  # noqa: BLE001  # the default text will do
        words = error
    if words is None or isinstance(words, str):
        return words
    what = f"{'raised' if isinstance(words, Exception) else 'returned'} {type(words).__name__}"
    logger.warning("a function in texts %s; the answer of %s has another text", what, outcome.tool)
    return None


def _key(key: object) -> tuple[str | None, str | None]:
    """Return the tool, and the category or reason, of a user's `key`; None for all."""
    if isinstance(key, str):
        return (None, str(key)) if key in _KINDS else (key, None)
    if not isinstance(key, tuple) or len(key) != 2 or not all(isinstance(part, str) for part in key):  # noqa: PLR2004
        raise TypeError(f"texts must be keyed by category, reason, tool, or (tool, category or reason), not by {key!r}")
    if key[1] not in _KINDS:
        raise ValueError(f"texts[{key!r}] must name one of {', '.join(sorted(_KINDS))}, not {key[1]!r}")
    return key[0], str(key[1])


def _text(name: str, given: object) -> "_Template | Function":
    return _template(name, given) if isinstance(given, str) else _function(name, given)


def _function(name: str, given: object) -> Function:
    if not callable(given) or is_async(given):
        raise TypeError(f"{name} must be a template or a sync function, not {given!r}")
    return given


def _template(name: str, given: str) -> _Template:
    if not given.strip():
        raise ValueError(f"{name} must not be blank, not {given!r}")
    try:
        parts = list(Formatter().parse(given))
    except ValueError as error:
        raise ValueError(f"{name} must be a valid template, not {given!r}: {error}") from None
    for _, field, form, conversion in parts:
        if field is not None and (field not in VALUE_BY_FIELD or form or conversion):
            known = ", ".join(VALUE_BY_FIELD)
            raise ValueError(f"{name} must use only the fields {known}, without a format or conversion, not {given!r}")
    return _Template(given, frozenset(field for _, field, _, _ in parts if field is not None))


def _number(seconds: float | None) -> str | None:
    return None if seconds is None else f"{seconds:.10g}"
