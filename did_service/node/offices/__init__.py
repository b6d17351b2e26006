"""Offices: an agency asks its region for authority by a file, and the region grants it."""
