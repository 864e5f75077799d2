"""Registers, the record, and the numbers that a governor sees."""
