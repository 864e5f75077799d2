"""The pictures of the console: figures that are read, and charts that are drawn of them on the server."""
