"""What AWS and people send us, parsed once into domain types."""
