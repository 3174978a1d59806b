"""The whole stack on one machine, without containers: servers, inbox and both services."""
