"""How the tables of `monitor` came to be what they are: one module for each revision."""
