"""A support bot that survives its tools: `python -m agent_tools.demo`.

Read it in this order, as an example of how the library is used:

1. `graph`: the agent, with `ResilientToolNode` where `ToolNode` would be.
2. `tools`: six ordinary tools on `httpx`, not one `try` among them.
3. `api`: the shop's API on loopback, which fails in every way that matters, and the promise for each.
4. `script`: the model, which needs no key; `model`: a real one instead.

The rest is the show: `run` talks to the bot, `progress` tracks each call, `show` and `plain`
print it, `promises` compares the measurements with the promises.
"""
