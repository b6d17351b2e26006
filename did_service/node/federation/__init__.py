"""Founding a federation, and each later policy, by files that people carry.

    member file ──► draft ──► signatures ──► policy        two rounds; docs/adr/0061

Everything that is carried is public. Each machine computes the policy from the draft by itself,
so what people compare is one fingerprint, and no file can say two things.
"""
