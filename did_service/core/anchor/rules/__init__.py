"""Which entry a log may take next: `check` asks the rules of its type."""
