"""What all calls of one tool pass: budget, circuit, window, the wait that a server asked for. No framework."""
