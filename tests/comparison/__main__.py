"""Measures and prints the comparison."""

from tests.comparison.questions import measured, table

print(table(measured))
