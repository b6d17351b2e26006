"""How the tables of `witness` came to be what they are: one module for each revision."""
