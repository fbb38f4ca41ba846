"""Replimend mends S3 replication of SSE-KMS objects."""
