"""The story of a credential that crosses regions, which `did-service demo` plays.

    founding ──► world (servers on Unix sockets) ──► story (the honest steps) ──► scenes
                                                      children: wallet, did-verify

All services run in this process; the citizen and the counter are the programs that people use,
started as child processes. Nothing is staged: a scene's outcome is read from the report file
that did-verify wrote.
"""
