"""OpenID for Verifiable Credentials: the objects that a counter and a wallet exchange.

    request_object    what a counter asks a holder for (OpenID4VP 1.0 §5)

Bytes in, values out, like all of the core: who carries them, a file or a picture, is not known
here.
"""
