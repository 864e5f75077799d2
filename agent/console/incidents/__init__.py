"""The queue of incidents, one incident, its steps and letters."""
