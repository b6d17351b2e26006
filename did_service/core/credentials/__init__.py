"""Credentials and presentations: data model, proofs, JSON-LD, status lists, schemas.

Nothing here knows logs or authority: whether an issuer may issue is decided in `verification`.
"""
