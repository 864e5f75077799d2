"""The page of the day: whether filtering is on and right, what needs somebody, what changed."""
