"""What would mend a cause, what forbids it, and what became of it."""
