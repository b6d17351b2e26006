"""Hashes, Ed25519, multikeys and sealed containers; libsodium does the cryptography."""
