"""The page that somebody is led to whose name is blocked, and what everybody may read without an account."""
