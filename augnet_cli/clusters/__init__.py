"""Images that belong together in meaning, and what can be told of them."""
