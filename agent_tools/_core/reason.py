"""Why a call is given up: a word for each reason."""

from enum import StrEnum


class Reason(StrEnum):
    """Why there is no further attempt."""

    NOT_RETRIED = "not_retried"
    """Its category is not one that the policy retries."""
    VETO = "veto"
    """The failure itself rules a retry out; see `Veto`."""
    MAY_HAVE_ACTED = "may_have_acted"
    """The tool must not act twice, and this failure does not prove that it has not acted."""
    ATTEMPTS_USED = "attempts_used"
    """All attempts are made."""
    RETRY_AFTER = "retry_after"
    """The server asks for a longer wait than the policy grants."""
    DEADLINE = "deadline"
    """The wait would not end before the deadline."""
    APPROVAL = "approval"
    """The attempt used up the answer to an interrupt, and a human would be asked again."""
    DRAINING = "draining"
    """The graph is shutting down."""
    BUDGET = "budget"
    """Too many calls of this tool fail: retrying them would only add to the load."""
    CIRCUIT = "circuit"
    """The tool is known to be down, and the next probe is too far away."""
    CROWDED = "crowded"
    """Its service gets more calls than it can answer in time, and this call would have to wait too long."""
    REPEATED = "repeated"
    """The model repeats a call that has kept failing in this turn; see `LoopGuard`."""
    STOPPED = "stopped"
    """The credentials of the tool were refused in this turn, and nobody here can renew them."""
