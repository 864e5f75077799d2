"""A lesson, what is asked to be open, and who decides."""
