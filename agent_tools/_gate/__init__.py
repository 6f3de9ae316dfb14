"""The gate of a tool: budget, circuit, window, and the wait that a server asked for. No framework."""
