"""Advice on how to handle a tool better, logged once per tool when it fails."""

from agent_tools._call.listeners import logger


class Advice:
    """Logs once per tool how it could be handled better."""

    def __init__(self) -> None:
        self._given: set[tuple[str, str]] = set()

    def undeclared(self, tool: str) -> None:
        """Advise when a POST or PATCH that may have acted is sent again."""
        self._give(
            tool,
            "%s sends a POST or PATCH again that may have acted: declare with RetryPolicy(idempotent=...) whether that "
            "does harm, or let RetryPolicy(verify=...) find out whether it acted",
        )

    def unproven(self, tool: str) -> None:
        """Advise when a tool that must not act twice is not run again, for lack of proof."""
        self._give(
            tool,
            "%s is idempotent=False and is not run again, since nothing shows that the failed attempt changed nothing: "
            "send_idempotency_key on all of its HTTP clients or RetryPolicy(verify=...) could",
        )

    def _give(self, tool: str, text: str) -> None:
        if (tool, text) not in self._given and logger.hasHandlers():  # else Python prints this line alone
            self._given.add((tool, text))
            logger.warning(text, tool)
