"""`did-verify`: the counter's program. Files in, a report out, no network.

    arguments ─► __main__ ─► check · challenge · did · trust ─► Answer ─► stdout, exit code
                     │                    │
             clock, randomness     core (judges) and verifier (remembers)

Commands are loaded when they run, so that `--help` stays fast; only `__main__` reads the clock
and writes to the terminal.
"""
