"""What happens on the network and the devices: observes, never judges."""
