"""From what happened to candidates: who was behind a device, what is weighed, what anybody reports."""
