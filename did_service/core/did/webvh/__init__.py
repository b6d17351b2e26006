"""did:webvh 1.0: parameters, log entries, the law of the next entry, witnesses, writing."""
