"""Results as text, JSON, CSV or plain paths."""
