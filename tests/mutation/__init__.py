"""Defences taken out one at a time: the test that names the attack must notice.

`make mutants` does it in a copy of the tree; `table` says which, and what each is there for.
"""
