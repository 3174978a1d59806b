"""An inbox for development and tests: an SMTP server that keeps mails, an API and a page to read them."""
