"""How a tool could be handled better: said once per tool, in the log, when it fails."""

from agent_tools._call.listeners import logger


class Advice:
    """Says once per tool how it could be handled better."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()

    def undeclared(self, tool: str) -> None:
        """A POST or PATCH that may have acted is sent again."""
        self._give(
            tool,
            "%s sends a POST or PATCH again that may have acted already: say with RetryPolicy(idempotent=...) whether "
            "that does harm, or let RetryPolicy(verify=...) find out whether it acted",
        )

    def unproven(self, tool: str) -> None:
        """A tool that must not act twice is not run again, for want of a proof."""
        self._give(
            tool,
            "%s is idempotent=False and is not run again, since nothing shows that the failed attempt changed nothing: "
            "send_idempotency_key on all of its HTTP clients or RetryPolicy(verify=...) could",
        )

    def _give(self, tool: str, text: str) -> None:
        if (tool, text) not in self._given and logger.hasHandlers():  # else Python would print it, as no other line
            self._given.add((tool, text))
            logger.warning(text, tool)
