"""A place that decides: what it pinned, what it was given, what it must not forget.

    DIR/policy.json        the pinned policy, the only thing that is trusted
        evidence.json.gz   bundles and staples merged; every item proves itself
        memory.json        newest size of each log, nonces given out, the floor of the clock
        forks/             proofs that a log has two histories: written once, never changed
        lock               held while anything here changes

`did-verify` and the wallet are faces of this room; each user has a directory of their own.
"""
