"""What Redis remembers for a while. Forgetting it costs time, never truth."""
