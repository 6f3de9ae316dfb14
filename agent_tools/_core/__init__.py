"""The pure core: plain data and pure functions. No clock, no chance, no I/O, no framework."""
