"""The HTTP interface for people and their programs: who asks, what they may, and what became of it."""
