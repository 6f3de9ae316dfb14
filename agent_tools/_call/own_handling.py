"""The meaning of an explicit `handle_tool_errors`, the same as in ToolNode."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from agent_tools._call.settings import NotRunError

HandleToolErrors = bool | str | Callable[..., str] | type[Exception] | tuple[type[Exception], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class OwnHandling:
    """An explicit `handle_tool_errors`: which errors are answered, and in whose words.

    Attributes:
        types: Errors of these types are answered, all others are raised.
        text: Returns the words; None for the default answer.
    """

    types: tuple[type[BaseException], ...]
    text: Callable[[Any], str] | None = None

    def answers(self, error: BaseException) -> bool:
        """Return whether `error` is answered. A call that was not run is answered if the tool's own errors are."""
        return isinstance(error, (*self.types, NotRunError) if self.types else ())

    def words(self, error: BaseException) -> str | None:
        """Return the user's words for `error`, None for the default answer."""
        return self.text(error) if self.text is not None and isinstance(error, self.types) else None


def own_handling(flag: HandleToolErrors) -> OwnHandling | None:
    """Return the meaning of `handle_tool_errors=flag`; None for True, which gives every error the default answer."""
    if flag is True:
        return None
    if not flag:
        return OwnHandling(types=())
    if isinstance(flag, str):
        return OwnHandling(types=(BaseException,), text=lambda _error: flag)
    if isinstance(flag, type | tuple):
        return OwnHandling(types=error_types("handle_tool_errors", flag))
    if callable(flag):
        from agent_tools._langgraph.errors import handled_types  # noqa: PLC0415  # rarely given, and loads much

        return OwnHandling(types=handled_types(flag), text=flag)
    raise TypeError(f"handle_tool_errors must be a bool, a string, a function or error types, not {flag!r}")


def error_types(name: str, given: object) -> tuple[type[BaseException], ...]:
    """Return the error types that the option called `name` lists.

    Raises:
        TypeError: It contains something else.
    """
    types = given if isinstance(given, tuple) else (given,)
    for each in types:
        if not isinstance(each, type) or not issubclass(each, BaseException):
            raise TypeError(f"{name} must name error types, not {each!r}")
    return types
