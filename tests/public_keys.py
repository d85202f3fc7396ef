"""Public keys whose private ones nobody has."""

import base64


def blob(*parts: bytes) -> str:
    """A key's bytes in base64: strings, each after its length (RFC 4251 §5)."""
    return base64.b64encode(b"".join(len(part).to_bytes(4, "big") + part for part in parts)).decode()


ADAS = f"ssh-ed25519 {blob(b'ssh-ed25519', bytes(32))} ada@laptop"
BENS = f"ssh-ed25519 {blob(b'ssh-ed25519', bytes(31) + b'b')} ben@desk"
CLEOS = f"ssh-ed25519 {blob(b'ssh-ed25519', bytes(31) + b'c')} cleo@train"
