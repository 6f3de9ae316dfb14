"""An outage in virtual time: what our node, its peers and an oracle do to a sick service, and to their users.

Real nodes, real errors, real HTTP requests and answers; only the clock and the service are simulated. 500 agents
make 60 operations a second, half of them on the sick service, the others on a healthy one. `python -m
tests.simulation --help` says what can be asked; `compare` is the same from Python, for variants of ours:

    from tests.simulation import compare, ours
    compare("down", "blip", contenders=[ours(), ours("no circuit", circuit=None)], quick=True)
"""

from tests.simulation.contenders import ours
from tests.simulation.report import compare

__all__ = ["compare", "ours"]
