"""What a query is about: bytes in, bytes out; no sockets, no files, no clock."""
