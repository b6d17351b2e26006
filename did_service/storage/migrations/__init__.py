"""Alembic behind one function: the tables of a room are brought to the newest revision.

Imported by `did-service database upgrade` alone; a service that starts compares a number.
"""
