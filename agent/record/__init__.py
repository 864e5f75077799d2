"""The record as a whole: proved once a day and whenever somebody asks."""
