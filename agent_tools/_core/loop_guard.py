"""What users configure to limit how often the model repeats a failing call; `stops` finds the calls."""

from dataclasses import dataclass

from agent_tools._core.policy import require_count
from agent_tools._core.records import ShortRepr, explains_names


@explains_names({})
@dataclass(frozen=True, slots=True, kw_only=True, repr=False)
class LoopGuard(ShortRepr):
    """When calls that the model keeps making are answered without running them. All counts are per turn.

    >>> from agent_tools import LoopGuard, ResilientToolNode
    >>> node = ResilientToolNode([], loop_guard=LoopGuard(same_tool=5))

    Attributes:
        same_call: How often a tool may fail in the same way with the same arguments and nothing changed in between;
            None for no limit.
        same_tool: In how many messages in a row the service of a tool may be down, whatever the arguments; None for
            no limit.
        auth_failure: Whether one refusal of credentials (HTTP 401, 403) is enough to not run the same arguments again.
            It is not where `on_auth_failure` can renew them.
        corrections: In how many messages in a row a tool may fail for reasons that the model may correct (wrong
            arguments, HTTP 404, a `ToolException`) with nothing changed in between; None for no limit.
    """

    same_call: int | None = 2
    same_tool: int | None = 3
    auth_failure: bool = True
    corrections: int | None = 8

    def __post_init__(self) -> None:
        """Refuse nonsense here, where the mistake is."""
        for name in ("same_call", "same_tool", "corrections"):
            if getattr(self, name) is not None:
                require_count(name, getattr(self, name))
        if not isinstance(self.auth_failure, bool):
            raise TypeError(f"auth_failure must be True or False, not {self.auth_failure!r}")
