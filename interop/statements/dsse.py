"""Verifies and makes DSSE envelopes with securesystemslib, and reads their statements with in-toto-attestation.

python3 dsse.py verify < {"envelope": …, "keys": {"KEYID": "HEX"}, "threshold": N}: prints {"signed": […], "statement": …}
python3 dsse.py sign   < {"payload": "TEXT", "payloadType": "…", "keyid": "…", "seed": "HEX"}: prints an envelope

Exits 1, with the reason on standard error, for what is not verified.
"""

import json
import sys

import in_toto_attestation.v1.statement_pb2 as statement_pb
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from securesystemslib.dsse import Envelope
from securesystemslib.signer import CryptoSigner, SSlibKey

PAYLOAD_TYPE = "application/vnd.in-toto+json"


def key(keyid: str, public: str) -> SSlibKey:
    return SSlibKey(keyid, "ed25519", "ed25519", {"public": public})


def verify(asked: dict) -> dict:
    envelope = Envelope.from_dict(asked["envelope"])
    keys = [key(keyid, public) for keyid, public in asked["keys"].items()]
    signed = envelope.verify(keys, asked.get("threshold", 1))
    if envelope.payload_type != PAYLOAD_TYPE:
        raise ValueError(f"payload type {envelope.payload_type}")
    # Unknown members and repeated ones are refused by the parser of protobuf.
    read = json_format.Parse(envelope.payload, statement_pb.Statement())
    statement = Statement.copy_from_pb(read)
    statement.validate()
    return {"signed": sorted(signed), "statement": json_format.MessageToDict(statement.pb)}


def sign(asked: dict) -> dict:
    private = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(asked["seed"]))
    public = private.public_key().public_bytes_raw().hex()
    envelope = Envelope(asked["payload"].encode(), asked["payloadType"], {})
    envelope.sign(CryptoSigner(private, key(asked["keyid"], public)))
    return envelope.to_dict()


def main() -> int:
    commands = {"verify": verify, "sign": sign}
    try:
        answer = commands[sys.argv[1]](json.load(sys.stdin))
    except Exception as error:
        print(f"{type(error).__name__}: {error}", file=sys.stderr)
        return 1
    print(json.dumps(answer))
    return 0


if __name__ == "__main__":
    sys.exit(main())
