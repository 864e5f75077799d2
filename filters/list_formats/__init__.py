"""The formats that lists come in: one file each, all of them read by `filters.list_parser` in the same way."""
