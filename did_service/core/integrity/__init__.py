"""Data Integrity proofs, and the one cryptosuite that DIDs and log entries both need."""
