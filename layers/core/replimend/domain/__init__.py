"""The pure part: what is known, what follows from it, and what may be done; no AWS calls."""
