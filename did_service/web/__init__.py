"""What every server of the house shares: settings, problems, limits, the database, serving.

Nothing here knows a log or a credential. Status codes are chosen in `problems` and nowhere
else; the clock and the randomness of a process enter through `program.clock.ClockAndRandom`.
"""
