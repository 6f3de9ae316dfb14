"""The support bot, with the handler in each door, and with each provider's model."""

from collections.abc import Callable, Sequence

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage
from langchain_core.runnables import RunnableLambda
from langchain_core.tools import BaseTool
from langgraph.checkpoint.memory import InMemorySaver
from langgraph.graph import START, MessagesState, StateGraph
from langgraph.prebuilt import ToolNode

from agent_tools import ResilientToolNode
from agent_tools.routing import answer_invalid_tool_calls, route_tool_calls_to
from tests.services.protocols.anthropic_dialect import AnthropicDialect
from tests.services.protocols.openai_dialect import OpenAIDialect
from tests.services.protocols.provider import Dialect
from tests.support.toolbox import AT_ONCE, Graph

Door = Callable[[BaseChatModel, Sequence[BaseTool]], Graph]


def openai(url: str, *, streaming: bool) -> BaseChatModel:
    """Return the model of `langchain-openai`."""
    from langchain_openai import ChatOpenAI  # noqa: PLC0415  # slow

    return ChatOpenAI(
        model="scripted",
        base_url=f"{url}/v1",
        api_key="none",  # type: ignore[arg-type]  # it takes text
        streaming=streaming,
        stream_usage=True,
        max_retries=0,
        use_responses_api=False,
    )


def anthropic(url: str, *, streaming: bool) -> BaseChatModel:
    """Return the model of `langchain-anthropic`."""
    from langchain_anthropic import ChatAnthropic  # noqa: PLC0415  # slow

    return ChatAnthropic(
        model_name="scripted",
        base_url=url,
        api_key="none",  # type: ignore[arg-type]  # it takes text
        streaming=streaming,
        max_retries=0,
        max_tokens_to_sample=100,
        timeout=None,
        stop=None,
    )


def refusals() -> tuple[type[Exception], ...]:
    """Return what the models raise where the provider refuses a history."""
    import anthropic  # noqa: PLC0415  # slow
    import openai  # noqa: PLC0415  # slow

    return openai.BadRequestError, anthropic.BadRequestError


MODEL_BY_PROVIDER = {"openai": openai, "anthropic": anthropic}
DIALECT_BY_PROVIDER: dict[str, Dialect] = {"openai": OpenAIDialect(), "anthropic": AnthropicDialect()}


def node_bot(model: BaseChatModel, tools: Sequence[BaseTool]) -> Graph:
    """Return the bot with `ResilientToolNode`."""
    return graph_bot(model, ResilientToolNode(tools, policy=AT_ONCE))


#: The doors through which the handler gets into an agent.
DOORS: dict[str, Door] = {"node": node_bot}


def graph_bot(model: BaseChatModel, node: ToolNode) -> Graph:
    """Return the bot with this tool node."""
    bound = model.bind_tools(list(node.tools_by_name.values()))

    def think(state: MessagesState) -> dict[str, list[BaseMessage]]:
        return {"messages": [bound.invoke(state["messages"])]}

    async def athink(state: MessagesState) -> dict[str, list[BaseMessage]]:
        return {"messages": [await bound.ainvoke(state["messages"])]}

    builder = StateGraph(MessagesState)
    builder.add_node("model", RunnableLambda(think, athink))
    builder.add_node("tools", node)
    builder.add_node("invalid", answer_invalid_tool_calls())
    builder.add_edge(START, "model")
    builder.add_conditional_edges("model", route_tool_calls_to("tools", invalid="invalid"))
    builder.add_edge("tools", "model")
    return builder.compile(checkpointer=InMemorySaver())
