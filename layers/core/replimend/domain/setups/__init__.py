"""A set-up in a file: what an event means in it, and what will fail."""
