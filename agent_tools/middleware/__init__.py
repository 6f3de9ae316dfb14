"""Door 3: middleware for `langchain.agents.create_agent`, which takes no node. Needs the extra `langchain`.

    agent = create_agent(model, tools, middleware=[ResilientToolMiddleware(policy=RetryPolicy(max_attempts=4))])

`create_agent` calls the tool through all middleware that wraps tool calls, the first of the list outermost. What stands
before ours sees one answer per call; what stands after it is run again with each attempt, and counts as the tool.
"""

try:
    import langchain.agents.middleware  # noqa: F401
except ImportError as error:
    raise ImportError(
        "agent_tools.middleware needs LangChain 1.3 or later: pip install 'langgraph-agent-tools[langchain]'"
    ) from error

from agent_tools.middleware._giving_up import GiveUpMiddleware
from agent_tools.middleware._resilient import ResilientToolMiddleware
from agent_tools.middleware._unreadable import UnreadableCallMiddleware

__all__ = ["GiveUpMiddleware", "ResilientToolMiddleware", "UnreadableCallMiddleware"]
