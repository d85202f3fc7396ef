"""A public key is a key and nothing but a key."""

import base64
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from botdesk import sshkey
from botdesk.errors import InvalidInput
from tests.public_keys import blob


def rsa(bits: int) -> str:
    number = (1 << (bits - 1)) | 1
    return blob(b"ssh-rsa", b"\x01\x00\x01", b"\x00" + number.to_bytes(bits // 8, "big"))


ED25519 = blob(b"ssh-ed25519", bytes(32))
GOOD = {
    "ssh-ed25519": ED25519,
    "sk-ssh-ed25519@openssh.com": blob(b"sk-ssh-ed25519@openssh.com", bytes(32), b"ssh:"),
    "sk-ecdsa-sha2-nistp256@openssh.com": blob(
        b"sk-ecdsa-sha2-nistp256@openssh.com", b"nistp256", b"\x04" + bytes(64), b"ssh:"
    ),
    "ecdsa-sha2-nistp256": blob(b"ecdsa-sha2-nistp256", b"nistp256", b"\x04" + bytes(64)),
    "ecdsa-sha2-nistp384": blob(b"ecdsa-sha2-nistp384", b"nistp384", b"\x04" + bytes(96)),
    "ecdsa-sha2-nistp521": blob(b"ecdsa-sha2-nistp521", b"nistp521", b"\x04" + bytes(132)),
    "ssh-rsa": rsa(3072),
}


@pytest.mark.parametrize("kind", GOOD)
def test_a_key_of_every_type_is_read(kind: str) -> None:
    read = sshkey.parse(f"{kind} {GOOD[kind]} ada@laptop (work)\n")
    assert (read.kind, read.blob, read.comment) == (kind, GOOD[kind], "ada@laptop (work)")
    assert sshkey.FINGERPRINT.fullmatch(read.fingerprint)
    assert sshkey.parse(f"  {kind}   {GOOD[kind]}").comment == ""
    assert set(GOOD) == set(sshkey.KINDS)


@pytest.mark.parametrize("kind", ["ed25519", "ecdsa", "rsa"])
def test_the_fingerprint_is_that_of_ssh_keygen(kind: str, tmp_path: Path, needs: Callable[[str], None]) -> None:
    needs("ssh-keygen")
    made = tmp_path / "id"
    subprocess.run(["ssh-keygen", "-q", "-t", kind, "-N", "", "-C", "made here", "-f", made], check=True)
    told = subprocess.run(["ssh-keygen", "-lf", made], check=True, capture_output=True, text=True).stdout
    read = sshkey.parse(made.with_suffix(".pub").read_text())
    assert read.fingerprint == told.split()[1]
    assert read.comment == "made here"


BAD = {
    "nothing": "",
    "a word": "ssh-ed25519",
    "a private key": "-----BEGIN OPENSSH PRIVATE KEY-----\nb3BlbnNzaC1rZXktdjEA\n",
    "a name": "ada",
    "two lines": f"ssh-ed25519 {ED25519} one\nssh-ed25519 {ED25519} two",
    "options": f'command="sh" ssh-ed25519 {ED25519}',
    "an option": f"restrict,pty ssh-ed25519 {ED25519}",
    "environment": f'environment="LD_PRELOAD=/tmp/x.so" ssh-ed25519 {ED25519}',
    "a certificate": f"ssh-ed25519-cert-v01@openssh.com {ED25519}",
    "dsa": f"ssh-dss {blob(b'ssh-dss', bytes(128))}",
    "another type": f"ssh-magic {blob(b'ssh-magic', bytes(32))}",
    "another type inside": f"ssh-ed25519 {GOOD['ssh-rsa']}",
    "cut off": f"ssh-ed25519 {ED25519[:-8]}",
    "no base64": "ssh-ed25519 AAAA!!!!",
    "too short": f"ssh-ed25519 {blob(b'ssh-ed25519', bytes(31))}",
    "more behind it": f"ssh-ed25519 {blob(b'ssh-ed25519', bytes(32), b'more')}",
    "another curve": f"ecdsa-sha2-nistp256 {blob(b'ecdsa-sha2-nistp256', b'nistp384', bytes(65))}",
    "weak rsa": f"ssh-rsa {rsa(1024)}",
    "empty rsa": f"ssh-rsa {blob(b'ssh-rsa', b'', b'')}",
    "an escape in the comment": f"ssh-ed25519 {ED25519} \x1b[2J",
    "a long comment": f"ssh-ed25519 {ED25519} {'x' * 81}",
    "endless": f"ssh-ed25519 {'A' * 100_000}",
}


@pytest.mark.parametrize("what", BAD)
def test_what_is_no_such_key_is_refused_with_a_hint_and_not_repeated(what: str) -> None:
    with pytest.raises(InvalidInput) as refused:
        sshkey.parse(BAD[what])
    assert refused.value.hint
    assert "\x1b" not in str(refused.value)
    assert "b3BlbnNz" not in str(refused.value)


@given(st.text(max_size=200) | st.binary(max_size=60).map(lambda raw: f"ssh-rsa {base64.b64encode(raw).decode()} x"))
def test_whatever_is_given_is_a_key_or_refused(line: str) -> None:
    try:
        read = sshkey.parse(line)
    except InvalidInput:
        return
    assert read.kind in sshkey.KINDS
