"""The incident register: what people decide and do about candidates."""
