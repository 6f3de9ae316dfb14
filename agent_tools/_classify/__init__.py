"""Exception in, `Failure` out: the only place that knows HTTP clients, databases and SDKs.

No SDK is imported. Each kind of source has its own table: `http` (statuses), `code_words`, `databases`,
`protocols`, `mail`, `builtins`, `sdk_classes` (by library), `class_names` and `texts`. `engine` walks the error
and what it wraps; `wrapping` finds causes and group members; `reading` guards every access to a foreign object.
"""

from typing import TYPE_CHECKING

from agent_tools._classify.rules import Rules, ask
from agent_tools._lazy import lazy

if TYPE_CHECKING:
    from agent_tools._classify.engine import category_of, diagnose, diagnose_text
    from agent_tools._classify.explanation import explain

__all__ = ["Rules", "ask", "category_of", "diagnose", "diagnose_text", "explain"]

# The tables are loaded when the first error is classified.
__getattr__ = lazy(
    __name__, {"category_of": "engine", "diagnose": "engine", "diagnose_text": "engine", "explain": "explanation"}
)
