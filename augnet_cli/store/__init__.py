"""What augnet keeps beside the photos, and where."""
