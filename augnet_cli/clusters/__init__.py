"""Images that belong together in meaning."""
