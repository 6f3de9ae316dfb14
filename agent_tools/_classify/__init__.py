"""Exception in, `Failure` out: the only place that knows HTTP clients, databases and SDKs.

No SDK is imported. The tables stand in files of their own, by family: `http` (statuses), `words` (code
words), `databases`, `rpc`, `builtin`, `classes` (by library), `names` (by what a class is called). `engine`
walks; `wrapping` knows the way into causes and groups; `reading` guards every look at a foreign object.
"""

from typing import TYPE_CHECKING

from agent_tools._classify.rules import Rules, ask, require_rules
from agent_tools._lazy import lazy

if TYPE_CHECKING:
    from agent_tools._classify.engine import diagnose, diagnose_text
    from agent_tools._classify.explain import explain

__all__ = ["Rules", "ask", "diagnose", "diagnose_text", "explain", "require_rules"]

# The tables are loaded when the first error is looked at.
__getattr__ = lazy(__name__, {"diagnose": "engine", "diagnose_text": "engine", "explain": "explain"})
