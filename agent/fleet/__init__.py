"""The gateway's side of the endpoint service: which laptops there are, and what they tell."""
