"""People, their accounts and their programs."""
