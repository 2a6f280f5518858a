"""Step 16, `timestamps`: docs/spec/timestamps.md, RFC 3161 and RFC 5816."""

import base64
import hashlib
import math
import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from asn1crypto import tsp
from cryptography import x509
from cryptography.x509.oid import ExtendedKeyUsageOID

from .evidence_forms import Refused, Unchecked, require, unbase64, unhex
from .signed_data import DIGESTS, SIGNED_WITH, SignedData, check_path, der, paths, read_asn1

if TYPE_CHECKING:
    from .evidence import Package

NAME = re.compile(r"timestamps/(\d{12})-(\d\d)-(\d{4})\.tsr", re.ASCII)
Chain = dict[int, bytes]


@dataclass
class Stamp:
    """A token that holds: when, and until when its certificates do. Unix seconds."""

    time: int
    expires: float


def timestamps(package: "Package") -> None:
    """Every chain of tokens, each over the checkpoint of its head."""
    package.need("heads")
    chains: dict[str, Chain] = {}
    for path, token in package.files("timestamps").items():
        named = NAME.fullmatch(path)
        require(named, f"the name {path}")
        chains.setdefault(f"{named[1]}-{named[2]}", {})[int(named[3])] = token
    roots = [read_root(one["certificate"]) for one in package.trust.get("authorities", ())]
    package.look("timestamps", chains.items(), lambda *chain: read_asn1(lambda: judge(package, *chain, roots)))


def judge(package: "Package", name: str, chain: Chain, roots: Sequence[x509.Certificate]) -> None:
    """One chain."""
    size = int(name[:12])
    require(size in package.heads, f"{name}: no head of this size is there and holds")
    require(sorted(chain) == list(range(len(chain))) and len(chain) <= 64, f"{name}: tokens of a chain")
    root = unhex(package.heads[size]["event"]["root"], 32)
    items = [f"{package.manifest['origin']}\n{size}\n{base64.b64encode(root).decode()}\n".encode()]
    before: Stamp | None = None
    for number in range(len(chain)):
        stamp = verify(chain[number], message(items), roots)
        if before is not None:
            require(before.time <= stamp.time <= before.expires, f"{name}: renewed too early or too late")
        before = stamp
        items.append(chain[number])


def message(items: Sequence[bytes]) -> bytes:
    """timestamps.md, Renewal: the first message as it is, later ones over all that is before."""
    if len(items) == 1:
        return items[0]
    return b"huzheng time-stamp renewal v1\n" + b"".join(len(item).to_bytes(4) + item for item in items)


def verify(token: bytes, message: bytes, roots: Sequence[x509.Certificate]) -> Stamp:
    """timestamps.md, Verifying, in its six steps."""
    require(len(token) <= 65_536, "a token is too long")
    signed = SignedData.read(token)
    require(signed.content_type == "tst_info" and signed.content is not None, "no TSTInfo")
    stated = tsp.TSTInfo.load(signed.content, strict=True)
    require(stated["version"].native == "v1", "version of TSTInfo")
    imprint = stated["message_imprint"]
    digest = imprint["hash_algorithm"]["algorithm"].native
    require(digest in DIGESTS, f"imprint by {digest}")
    require(imprint["hashed_message"].native == hashlib.new(digest, message).digest(), "over another message")
    signer = signed.signer()
    check_signer(signed, signer)
    ways = list(paths(signer, signed.certificates, roots))
    if not ways:
        raise Unchecked("a stranger's token")
    time = math.ceil(stated["gen_time"].native.timestamp())
    try:
        require(signed.digest_of(signed.content), "the signed digest is of another TSTInfo")
        require(signed.attribute("content_type").native == "tst_info", "the signed content type")
        signed.verify(signer.public_key())
    except Unchecked as error:
        raise Refused(f"algorithm: {error}") from None
    wrong = ""
    for way in ways:
        try:
            check_path(way, time)
            return Stamp(time, min(one.not_valid_after_utc.timestamp() for one in way))
        except Refused as error:
            wrong = str(error)
    raise Refused(wrong)


def check_signer(signed: SignedData, signer: x509.Certificate) -> None:
    """The token commits to its certificate, which is for time-stamping alone."""
    certs = list(signed.attribute("signing_certificate_v2")["certs"])
    require(certs, "commits to no certificate")
    digest = certs[0]["hash_algorithm"]["algorithm"].native
    require(digest in DIGESTS, "committed to by another digest")
    require(certs[0]["cert_hash"].native == hashlib.new(digest, der(signer)).digest(), "commits to another certificate")
    usages: list[Any] = [one for one in signer.extensions if isinstance(one.value, x509.ExtendedKeyUsage)]
    alone = [ExtendedKeyUsageOID.TIME_STAMPING]
    require(usages and usages[0].critical and list(usages[0].value) == alone, "the certificate is for something else")
    require(signer.signature_algorithm_oid in SIGNED_WITH, "the algorithm of the signer's certificate")


def read_root(text: str) -> x509.Certificate:
    """PEM, or base64 of DER."""
    if text.startswith("-----"):
        return x509.load_pem_x509_certificate(text.encode())
    return x509.load_der_x509_certificate(unbase64(text))
