"""Lists: fetched, guarded, compiled and published as generations of the index."""
