"""How the tables of `registry` came to be what they are: one module for each revision."""
