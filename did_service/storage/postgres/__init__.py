"""PostgreSQL behind the database door; all that is only PostgreSQL's stands here.

Only `place`, which reads URLs, is imported before one asks for the driver.
"""
