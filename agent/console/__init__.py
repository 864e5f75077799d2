"""The console: pages for people, made on the server in the process of the interface, by the same services."""
