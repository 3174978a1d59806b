"""Use cases: each a function on one unit of work. What they change and what they tell commit together."""
