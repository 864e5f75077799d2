"""The worker's side of a DNS query: from the datagram to the answer."""
