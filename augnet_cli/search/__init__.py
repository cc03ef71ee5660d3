"""Nearest rows: exact by blocks, or Annoy, which is checked before it is trusted."""
