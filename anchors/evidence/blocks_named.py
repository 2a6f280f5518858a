"""Which blocks a package names: what whoever judges it on a plain chain asks a node of their own to fix."""

from anchors.core.block.header import Header
from anchors.core.block.proof import BlockProof
from anchors.evidence import members as forms
from anchors.evidence.archive import read_archive


def blocks_named(package: bytes) -> list[int]:
    """The numbers of the blocks in which the package says that its heads stand, ascending. Nothing of it is believed.

    Raises `MalformedInput` or `VerificationFailed` where this is no package."""
    heads = [data for path, data in read_archive(package).items() if path.startswith(forms.HEADS + "/")]
    proofs = (forms.Head.read(data).block for data in heads)
    headers = (BlockProof.from_json(proof).header for proof in proofs if proof is not None)
    return sorted({Header.decode(header).number for header in headers})
