"""What can be wrong around the daemon, looked at one by one, each with what to do."""
