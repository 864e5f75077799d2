"""What a person types: one module a family of commands, each a client of the gateway's API or of its files."""
