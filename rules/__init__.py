"""What is allowed: pure values and functions that import nothing else of the product."""
