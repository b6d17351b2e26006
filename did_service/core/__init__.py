"""The core: bytes in, values out.

No clock, randomness, file, socket, environment, logging, thread or framework. Time comes in
as an argument and so does randomness. Each folder is a floor that rests on the ones below it:

    verification
    credentials
    anchor
    log | did          (strangers to each other)
    integrity
    crypto
    encoding
    errors | limits
"""
