"""A school that does not exist: its people, its devices, what they do on line in a term, and what is found of it.

What makes the term knows nothing of the rules that it tries: neither what they count, nor from which number on.
"""
