"""Measures each cell of the comparison in the docs."""

from itertools import product
from pathlib import Path

import pytest

from tests.comparison.contenders import CONTENDERS
from tests.comparison.questions import ROWS, Row, table

pytestmark = pytest.mark.untraced

PAGE = Path(__file__).parents[2] / "docs" / "comparison.md"


@pytest.mark.parametrize(
    ("row", "position"),
    [
        pytest.param(row, position, id=f"{row.measure.__name__}-{CONTENDERS[position].column}")
        for row, position in product(ROWS, range(len(CONTENDERS)))
    ],
)
def test_a_cell_is_what_its_contender_does(row: Row, position: int) -> None:
    assert row.measure(CONTENDERS[position]) == row.cells[position]


def test_every_contender_has_a_cell_in_each_row() -> None:
    assert {len(row.cells) for row in ROWS} == {len(CONTENDERS)}


def test_the_docs_show_the_table() -> None:
    assert table(lambda row: row.cells) in PAGE.read_text(encoding="utf-8")
