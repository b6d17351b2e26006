"""The thirteen steps, a file each: one credential in, findings out."""
