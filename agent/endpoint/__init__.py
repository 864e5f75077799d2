"""The service on a laptop: what it observes goes to the gateway, and nothing is lost on the way."""
