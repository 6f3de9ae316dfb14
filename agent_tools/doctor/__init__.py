"""Reports, without making a call, what will happen to each tool of an agent and what is likely to go wrong.

    print(doctor(graph))

`python -m agent_tools.doctor module:graph` does the same in a terminal or in CI; its exit status is 1 if there are
findings. It reads the graph, the policies and what the tools' functions use: clients, their time limits and retries,
and the requests in their source. What it cannot see is shown as `?`.
"""

from agent_tools.doctor._checkup import Checkup, doctor
from agent_tools.doctor._facts import Finding, ToolFacts

__all__ = ["Checkup", "Finding", "ToolFacts", "doctor"]
