"""The registry as the chain's events tell it, checked against the heads that the contract emitted with them."""

from anchors.chain.pages import pages
from anchors.chain.port import Chain
from anchors.core.errors import VerificationFailed
from anchors.core.registry import Change, Registry


def read_registry(
    chain: Chain, registry: Registry, first_block: int, last_block: int, count: int | None = None
) -> list[Change]:
    """Fold the registry's events of these blocks (inclusive) into `registry` and return their changes.

    With `count` it stops at the change of that number. Raises `ChainUnavailable`, or `VerificationFailed` where a
    change is missing, or its head is not the one that the contract emitted.
    """
    changes: list[Change] = []
    for begin, end in pages(first_block, last_block):
        for event in chain.registry_events(begin, end):
            if count is not None and registry.count >= count:
                return changes
            registry.apply(event.change)
            if registry.head != event.head:
                raise VerificationFailed(
                    f"registry: change {event.change.number} of the chain does not lead to the head emitted with it;"
                    " the node is wrong, or the contract is another"
                )
            changes.append(event.change)
    return changes
