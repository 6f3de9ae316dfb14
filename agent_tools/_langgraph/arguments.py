"""Which of the model's arguments a tool refused, and why, whatever checked them.

That may be Pydantic 1 or 2, a validator that raises another error, or Python itself when a function does not take the
arguments. Injected arguments are not named: the model neither sees nor sets them.
"""

import re
from collections.abc import Iterable
from typing import Any

from langchain_core.messages import ToolMessage
from langchain_core.tools import BaseTool
from langchain_core.utils.pydantic import get_fields
from langgraph.prebuilt.tool_node import (
    INVALID_TOOL_NAME_ERROR_TEMPLATE,
    TOOL_INVOCATION_ERROR_TEMPLATE,
    ToolCallRequest,
)
from pydantic import ValidationError
from pydantic.errors import PydanticErrorMixin

from agent_tools._core.made_up import word
from agent_tools._core.redaction import scrub
from agent_tools._langgraph import private_names as names

#: What a check of arguments raises. Anything else, such as the error of a service that a validator asks, says nothing
#: about the arguments.
_REJECTIONS = (ValueError, TypeError, LookupError, AttributeError, ArithmeticError, AssertionError)

_NOT_TAKEN = re.compile(r"\(\) (?P<why>(?:missing \d|got an unexpected|got multiple|takes ).*)")
_ROOT = "__root__"  # what Pydantic 1 calls a rule over several fields


def is_rejection(error: BaseException) -> bool:
    """Return whether `error`, raised while arguments were checked, says that they do not fit."""
    return isinstance(error, _REJECTIONS) and not isinstance(error, PydanticErrorMixin)


def is_not_taken(error: BaseException) -> bool:
    """Return whether a function, called by `_run` of its tool, does not take the arguments."""
    step = error.__traceback__
    while step is not None and step.tb_next is not None:
        step = step.tb_next
    is_called = step is not None and step.tb_frame.f_code.co_name in (names.RUN, names.ARUN)
    return is_called and isinstance(error, TypeError) and _NOT_TAKEN.search(str(error)) is not None


def problems_in(error: BaseException, request: ToolCallRequest) -> list[str]:
    """Return each of the model's arguments that did not fit, and why; empty if only injected ones did not."""
    details = _details_of(error)
    if details is None:
        return [_unexplained(error, request)]
    hidden = _hidden_arguments(request.tool)
    return [_problem(field, rule) for field, rule in details if not field or field[0] not in hidden]


def problems_in_text(message: ToolMessage, request: ToolCallRequest) -> list[str] | None:
    """Return the same from the text that a plain `ToolNode` wrote; None if `message` has another text."""
    name, text = request.tool_call["name"], message.text
    says, _, rest = TOOL_INVOCATION_ERROR_TEMPLATE.partition("{tool_kwargs}")
    before, _, after = rest.partition("{error}")
    if not text.startswith(says.format(tool_name=name)) or before not in text:
        return None
    problems = text.partition(before)[2].removesuffix(after)
    return [scrub(line) for line in problems.splitlines() if line.strip()]


def refused_by_tool(request: ToolCallRequest) -> BaseException | None:
    """Return why a tool that writes its own answers (`handle_validation_error`) refuses its arguments, None if not."""
    tool = request.tool
    if tool is None or not getattr(tool, "handle_validation_error", False):
        return None
    try:
        getattr(tool, names.PARSE)(dict(request.tool_call["args"]), request.tool_call["id"])  # as `run` does
    except Exception as error:  # noqa: BLE001  # checked on the next line
        return error if _details_of(error) is not None and problems_in(error, request) else None
    return None


def names_no_tool(answer: ToolMessage, request: ToolCallRequest) -> bool:
    """Return whether `answer` is ToolNode's text about a tool that does not exist."""
    says, _, _ = INVALID_TOOL_NAME_ERROR_TEMPLATE.partition("{available_tools}")
    return request.tool is None and answer.text.startswith(says.format(requested_tool=request.tool_call["name"]))


def _details_of(error: BaseException) -> list[tuple[tuple[Any, ...], str]] | None:
    """Return the field and the rule of each problem, None if the error is not Pydantic's."""
    if isinstance(error, ValidationError):
        found: Iterable[Any] = error.errors(include_url=False, include_context=False, include_input=False)
    elif type(error).__name__ == "ValidationError" and type(error).__module__.startswith("pydantic."):
        found = error.errors()  # type: ignore[attr-defined]  # of Pydantic 1, which may not be installed
    else:
        return None
    return [(() if each["loc"] == (_ROOT,) else tuple(each["loc"]), str(each["msg"])) for each in found]


def _problem(field: tuple[Any, ...], rule: str) -> str:
    name = ".".join(word(str(each)) for each in field)
    return f"{name or 'Together'}: {scrub(rule)}"


def _unexplained(error: BaseException, request: ToolCallRequest) -> str:
    not_taken = _NOT_TAKEN.search(str(error)) if isinstance(error, TypeError) else None
    if not_taken is not None:
        return f"Together: {scrub(not_taken['why'])}"
    given = ", ".join(word(str(name)) for name in request.tool_call["args"])
    return f"{given or 'Together'}: a check of the arguments failed ({type(error).__name__})"


def _hidden_arguments(tool: BaseTool | None) -> frozenset[str]:
    """Return the names and aliases of injected arguments."""
    try:
        schema = None if tool is None else tool.args_schema
        if not isinstance(schema, type):
            return frozenset()
        shown = frozenset(tool.args)  # type: ignore[union-attr]  # there is one if it has a schema
        hidden = {name: field for name, field in get_fields(schema).items() if name not in shown}
    except Exception:  # noqa: BLE001  # a schema that Pydantic cannot express in JSON
        return frozenset()
    aliases = {str(getattr(field, "alias", None) or name) for name, field in hidden.items()}
    return frozenset(hidden) | aliases
