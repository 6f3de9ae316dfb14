"""Prints the comparison as it is measured now."""

from tests.comparison.questions import measured, table

print(table(measured))
