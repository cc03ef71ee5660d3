"""From pairs to groups: what stays, what may go, and why."""
