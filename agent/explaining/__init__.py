"""What a site means: why a name is blocked or allowed, to the entry of the list, and all of it in plain words."""
