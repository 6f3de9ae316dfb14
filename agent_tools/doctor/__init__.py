"""What will happen to each tool of an agent, and what is likely to go wrong: without making a call.

    print(doctor(graph))

`python -m agent_tools.doctor module:graph` does the same in a terminal or in CI, where its exit status is 1 if it finds
something. It looks at the graph, at the policies and at what the functions of the tools work with: clients, their time
limits and retries, the requests in their source. What it cannot see, it says.
"""

from agent_tools.doctor._checkup import Checkup, doctor
from agent_tools.doctor._facts import Finding, ToolFacts

__all__ = ["Checkup", "Finding", "ToolFacts", "doctor"]
