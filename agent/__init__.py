"""The running program: sockets, disk, clock and people; the only package that wires parts together."""
