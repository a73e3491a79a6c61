"""A live view of the daemon's work, from the store alone."""
