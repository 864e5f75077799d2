"""The guide from the example to a filtering school."""
