"""Follow the chain: registry changes, heads, and the blocks they stand in; go back when the chain does."""

from dataclasses import dataclass

from anchors.chain.port import Block, Chain, ChainUnavailable, RegistryEvent, WitnessEvent
from anchors.core.registry import initial_head, next_head
from anchors.core.trust import Finality
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import ChainStatus, ChainView, FollowedBlocks

BLOCKS_PER_STEP = 500
BLOCKS_WITH_HEADERS = 128


@dataclass(frozen=True)
class Followed:
    """What one run did: the newest block followed, and from which block on the chain was replaced, if it was."""

    tip: Block
    reorganised_from: int | None


class Follower:
    """Keeps the stored view equal to the chain. One runs at a time."""

    def __init__(self, chain: Chain, view: ChainView, registry: bytes, start_block: int, finality: Finality):
        self._chain = chain
        self._view = view
        self._registry = registry
        self._start_block = start_block
        self._finality = finality
        self.caught_up = False
        """Whether the view has reached the chain's tip in this process, and was not thrown back since."""

    def run_once(self) -> Followed:
        """Go to the chain's tip. Raises `ChainUnavailable` where the chain moved meanwhile: run again.

        Raises `Incident` where a block that was final has left the chain; the view has gone back all the same."""
        tip = self._chain.tip()
        common, replaced = self._common_block(tip)
        if replaced is not None:
            self._go_back(common, replaced)
        last = common
        while (last.number if last else self._start_block - 1) < tip.number:
            last = self._step(last, tip)
        self.caught_up = True
        return Followed(last or tip, replaced)

    def _go_back(self, common: Block | None, replaced: int) -> None:
        # Until the new blocks are read, a revocation may be missing that stood in the old ones.
        self.caught_up = False
        was_final = self._view.status().final_number
        self._view.roll_back(common.number if common else self._start_block - 1)
        if replaced <= was_final:
            raise Incident(
                f"block {replaced} was final and has left the chain; states went back, "
                "compare the chain with other nodes before going on, then restart"
            )

    def _common_block(self, tip: Block) -> tuple[Block | None, int | None]:
        """The newest stored block that is still in the chain, and the oldest stored one that is not."""
        replaced = None
        for stored in self._view.recent_blocks():
            present = tip if stored.number == tip.number else self._chain.block(stored.number)
            if present is not None and present.hash == stored.hash:
                return stored, replaced
            replaced = stored.number
        if replaced is not None:
            # Nothing that was kept is left: read everything again from the start.
            return None, self._start_block
        return None, None

    def _step(self, last: Block | None, tip: Block) -> Block:
        first_number = last.number + 1 if last else self._start_block
        last_number = min(tip.number, first_number + BLOCKS_PER_STEP - 1)
        blocks = self._headers(max(first_number, tip.number - BLOCKS_WITH_HEADERS), last_number, last)
        registry_events = self._chain.registry_events(first_number, last_number)
        witness_events = self._chain.witness_events(first_number, last_number)
        _check_places([*registry_events, *witness_events], blocks)
        self._check_heads(registry_events)
        newest = blocks[-1] if blocks else self._header(last_number)
        final_number = min(tip.number - self._finality.blocks + 1, last_number)
        self._view.add(
            FollowedBlocks(blocks or [newest], registry_events, witness_events, ChainStatus(newest, final_number))
        )
        return newest

    def _headers(self, first_number: int, last_number: int, last: Block | None) -> list[Block]:
        blocks: list[Block] = []
        for number in range(first_number, last_number + 1):
            block = self._header(number)
            parent = blocks[-1] if blocks else last
            if parent is not None and parent.number == number - 1 and block.parent != parent.hash:
                raise ChainUnavailable("the chain was replaced while it was read; reading again")
            blocks.append(block)
        return blocks

    def _header(self, number: int) -> Block:
        block = self._chain.block(number)
        if block is None:
            raise ChainUnavailable(f"block {number} left the chain while it was read; reading again")
        return block

    def _check_heads(self, events: list[RegistryEvent]) -> None:
        if not events:
            return
        stored = self._view.registry_events()
        head = stored[-1].head if stored else initial_head(self._chain.identity().chain_id, self._registry)
        number = len(stored)
        for event in events:
            number, head = number + 1, next_head(head, event.change)
            if event.change.number != number or event.head != head:
                raise Incident(
                    f"registry change {event.change.number} does not lead to the head in its event; "
                    "the node's answers are wrong or incomplete: use another node"
                )


def _check_places(events: list[RegistryEvent | WitnessEvent], blocks: list[Block]) -> None:
    known = {block.number: block.hash for block in blocks}
    for event in events:
        if known.get(event.place.block_number, event.place.block_hash) != event.place.block_hash:
            raise ChainUnavailable("the chain was replaced while its events were read; reading again")
