"""selfheald as a service of systemd: what is installed where, and whether it can work there."""
