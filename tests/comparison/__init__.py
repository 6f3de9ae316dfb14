"""`ResilientToolNode` and its peers, measured by the same questions: `python -m tests.comparison` prints the table."""
