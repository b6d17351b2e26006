"""The operator's program, `did-service`: one file per command, `demo` a folder of its own."""
