"""Notices: who is told what, by which way, and again until somebody has looked."""
