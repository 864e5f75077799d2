"""Laptops, and media that leave the school."""
