"""One tool call in progress, from the request to the answer."""
