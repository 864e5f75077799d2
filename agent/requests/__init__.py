"""Overrides and suspensions: asked for with a reason, decided by a second person, ended by themselves."""
