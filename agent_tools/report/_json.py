"""A report as JSON, for dashboards and checks."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from typing import Any

from agent_tools.report._calls import CallReport
from agent_tools.report._totals import Totals


def page(calls: Sequence[CallReport], totals: Totals) -> str:
    """Return the whole report."""
    return json.dumps({"totals": asdict(totals), "calls": [_call(call) for call in calls]}, indent=2)


def _call(call: CallReport) -> dict[str, Any]:
    return {**asdict(call), "waited": call.waited, "seconds": call.seconds, "is_timed": call.is_timed}
