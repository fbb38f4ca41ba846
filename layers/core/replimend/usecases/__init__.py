"""What Replimend does, in terms of the domain and its ports."""
