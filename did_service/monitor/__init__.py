"""Watches logs from outside: reads what everybody can read, and remembers all that was signed.

    checkpoint ── signed? quorum? ── remembered ── copied, each entry judged ── old enough?

It has a folder of its own and knows no service's database; the copy is a validating mirror like
a witness's, only that nothing is signed here (docs/adr/0063).
"""
