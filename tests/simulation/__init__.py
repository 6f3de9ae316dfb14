"""Outages in virtual time: how `ResilientToolNode`, its peers and an oracle treat a sick service and their users.

Nodes, errors, HTTP requests and responses are real; only the clock and the service are simulated. 500 agents
make 60 operations a second, half of them on the sick service, the rest on a healthy one. `python -m
tests.simulation --help` lists the options; `compare` does the same from Python, for variants of the node:

    from tests.simulation import compare, ours
    compare("down", "blip", contenders=[ours(), ours("no circuit", circuit=None)], quick=True)
"""

from tests.simulation.contenders import ours
from tests.simulation.report import compare

__all__ = ["compare", "ours"]
