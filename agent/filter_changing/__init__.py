"""The filter as the school changes it: asked for, tried dry, approved, in force, and found otherwise."""
