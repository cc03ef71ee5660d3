"""Whether two pictures are the same one, proved by their pixels, and how the one lies in the other."""
