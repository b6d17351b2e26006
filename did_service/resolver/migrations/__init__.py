"""How the tables of `resolver` came to be what they are: one module for each revision."""
