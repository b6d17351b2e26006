"""A place that decides: what it pinned, what it was given, what it must not forget.

    DIR/policy.json        the pinned policy, the only thing that is trusted
        state.sqlite       evidence, each chain by its key; newest size of each log, nonces
                           given out, the floor of the clock
        memory.json        one line that keeps release 0.2.0 out
        forks/             proofs that a log has two histories: written once, never changed
        lock               held while anything here changes

`did-verify` and the wallet are faces of this room; each user has a directory of their own.
"""
