"""Who is at the school and may do what: people, roles, accounts, tokens and second persons."""
