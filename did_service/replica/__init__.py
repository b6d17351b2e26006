"""A copy of one log, whoever keeps it: the log's own region, or a witness that mirrors it.

`store` holds the entries in a database and answers the rules' questions; `tree` holds the same
log as static files for everybody; `check` judges a batch against the store; `evidence` cuts
out what a wallet staples to a credential; `routes` serve all that; `fsck` recomputes it.
"""
