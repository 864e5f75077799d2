"""The site file: read, checked, and what it says as values."""
