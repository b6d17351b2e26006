"""The holder's wallet on the command line.

Keeps keys, credentials and their evidence in an encrypted file, asks issuers for credentials,
and presents them, online or as a file. It reaches the core, the trust files and the HTTP
client, and nothing of the servers.
"""
