"""How the tables of `replica` came to be what they are: one module for each revision."""
