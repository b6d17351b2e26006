"""The operator's program, `did-service`: one file per command."""
