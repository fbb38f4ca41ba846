"""What a preflight looks at, by subject; each check yields what it finds."""
