"""The gateway's processes: put together, started, watched, measured and told what to do."""
