"""A chat model that follows a script."""

# ruff: noqa: ARG002 - BaseChatModel prescribes what the methods take

from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel, LanguageModelInput
from langchain_core.messages import AIMessage, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from langchain_core.runnables import Runnable
from langchain_core.tools import BaseTool
from langchain_core.utils.function_calling import convert_to_openai_tool

from agent_tools.testing._history import check_history
from agent_tools.testing._pieces import pieces_of
from agent_tools.testing._script import Script, Step


class ScriptedChatModel(BaseChatModel):
    """Calls tools and answers by script, as a provider would: streaming, in parallel, sync and async.

    >>> from agent_tools.testing import ScriptedChatModel, call
    >>> model = ScriptedChatModel([
    ...     [call("get_order", order_id="A-1"), call("get_customer", customer_id=7)],
    ...     lambda messages: f"I found this: {messages[-1].text}",
    ... ])
    >>> [made["name"] for made in model.invoke("where is it?").tool_calls]
    ['get_order', 'get_customer']

    Each step is one turn of the model: a text, `call(...)`, a list of calls to make in parallel, an
    `AIMessage`, or a callable that makes one of these from the messages. Calls without an id get
    `call_1`, `call_2` and so on.

    Args:
        steps: What to say, turn by turn.
        then: What to say in every turn after the last step; with None such a turn raises.
        strict: Whether to reject a history that a provider would reject, see `check_history`.
        options: Options of every chat model, such as `disable_streaming`.

    Raises:
        TypeError: A step is none of the above.
        ValueError: There are no steps.
    """

    _script: Script
    _strict: bool
    _seen: list[list[BaseMessage]]
    _tools: list[dict[str, Any]]

    def __init__(self, steps: Sequence[Step], *, then: Step | None = None, strict: bool = True, **options: Any) -> None:
        super().__init__(**options)
        self._script = Script(steps, then=then)
        self._strict = strict
        self._seen = []
        self._tools = []

    @property
    def seen(self) -> list[list[BaseMessage]]:
        """The messages that the model was given, turn by turn."""
        return list(self._seen)

    @property
    def tools(self) -> list[dict[str, Any]]:
        """The tools that were bound last, in the format of OpenAI's API."""
        return list(self._tools)

    def bind_tools(
        self,
        tools: Sequence[dict[str, Any] | type | Callable[..., Any] | BaseTool],
        *,
        tool_choice: str | None = None,
        **kwargs: Any,
    ) -> Runnable[LanguageModelInput, AIMessage]:
        """Return the model with `tools` bound; the script may also call others."""
        # In place, so that copies of the model share the record.
        self._tools[:] = [convert_to_openai_tool(tool) for tool in tools]
        return self.bind(tools=self.tools, tool_choice=tool_choice, **kwargs)

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._say(messages))])

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return ChatResult(generations=[ChatGeneration(message=self._say(messages))])

    def _stream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> Iterator[ChatGenerationChunk]:
        for piece in pieces_of(self._say(messages)):
            yield ChatGenerationChunk(message=piece)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        for piece in pieces_of(self._say(messages)):
            yield ChatGenerationChunk(message=piece)

    def _say(self, messages: list[BaseMessage]) -> AIMessage:
        self._seen.append(list(messages))
        if self._strict:
            check_history(messages)
        return self._script.say(messages)
