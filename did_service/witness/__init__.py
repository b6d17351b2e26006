"""One region's witness: it copies the logs of all regions, judges every entry, and cosigns.

    POST /witness/add-checkpoint ── may this head follow the one held? ── pull the entries from
    the log's own address ── judge each by the same rules as the log ── store ── guard ── sign

A validating mirror, therefore: its cosignature says "I hold this tree, and every entry in it
may stand there". What it refuses it remembers, with both notes, for everybody to see. It also
approves versions of authorities' DIDs as a native did:webvh witness.
"""
