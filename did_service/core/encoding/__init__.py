"""Bytes and text: strict base64url, multiformats, strict JSON, RFC 8785, timestamps."""
