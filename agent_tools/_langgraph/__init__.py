"""All that LangGraph and LangChain do not export."""
