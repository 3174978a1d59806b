"""What auth_service and mailer_service agree on: events, streams, sealing, and the settings they share."""
