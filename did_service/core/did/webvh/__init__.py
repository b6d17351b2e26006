"""did:webvh 1.0: parameters, log entries, the law of the next entry, witnesses, writing.

    entry, parameters  ->  state (accept)  ->  witness  ->  history (whole logs)
                                 profile (our own promises)     write

Nothing is imported here: a verifier reads single entries, and starts without the rest.
"""
