"""How the tables of `issuer` came to be what they are: one module for each revision."""
