"""Where log and DID meet: what an entry of a registry log means.

`entry` is the leaf object, `rules` says which entry may come next, `heads` answers "is this
the latest?", `authority` says who may do what where, `policy` is what everybody has pinned,
`freshness` says how old a statement is.
"""
