"""The HTTP interface: translates between requests and flows, and does nothing else."""
