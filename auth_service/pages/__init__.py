"""The pages that people see: rendered here, with a little script of our own and nothing from elsewhere."""
