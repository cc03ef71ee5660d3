"""From a plan to changed files, and back; the only room that changes photos."""
