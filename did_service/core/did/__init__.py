"""Decentralized identifiers: syntax, documents, and the methods key, jwk, web and webvh."""
