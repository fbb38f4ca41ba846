"""Bringing the held objects over: waves, methods, pace, outcomes."""
