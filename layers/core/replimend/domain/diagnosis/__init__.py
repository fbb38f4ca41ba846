"""From a failure and what was read about it to its one cause."""
