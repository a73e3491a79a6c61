"""What the daemon finds out about itself, by pure functions as those about the logs."""
