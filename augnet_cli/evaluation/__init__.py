"""Judging embeddings against labels or known copies."""
