"""What the entries of each type say."""
