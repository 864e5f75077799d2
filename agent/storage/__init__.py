"""What must last: files that are written in transactions and kept for as long as the school says."""
