"""Structure-aware fuzzing: true evidence and documents, altered as an attacker would.

    make fuzz ARGS="presentations --seconds 600 --seed 1"       until the time is over
    make fuzz ARGS="presentations --seed 4711 --count 1"        the same input once more

Each seed makes one input, the same wherever it runs. A target judges it by its oracles: what is
accepted has the unaltered meaning of something good, nothing raises, steps are bounded, and
evidence alone refuses nobody. `make test` tries the first seeds of every target.
"""
