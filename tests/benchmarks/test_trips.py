"""The trip of one call through the package stays short."""

import pytest

from tests.benchmarks.trips import TRIPS, trip_of

#: By trip and mode: the most rooms entered, and the most moves between them.
LIMITS = {
    ("healthy", False): (5, 12),
    ("healthy", True): (6, 18),
    ("401", False): (8, 26),
    ("401", True): (8, 34),
    ("503, then ok", False): (9, 52),
    ("503, then ok", True): (9, 68),
    ("held by the circuit", False): (9, 40),
    ("held by the circuit", True): (9, 50),
    ("approval resumed", False): (7, 24),
    ("approval resumed", True): (7, 32),
}


@pytest.mark.untraced
@pytest.mark.parametrize(("name", "is_async"), LIMITS, ids=str)
def test_a_call_takes_a_short_way(name: str, is_async: bool) -> None:
    trip_of(*TRIPS[name], is_async=is_async)
    trip = trip_of(*TRIPS[name], is_async=is_async)

    assert trip.files
    rooms, moves = LIMITS[name, is_async]
    assert len(set(trip.rooms)) <= rooms
    assert trip.moves <= moves
