"""Keys that sign tree heads, and the guard that remembers what they signed."""
