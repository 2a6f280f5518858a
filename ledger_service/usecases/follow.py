"""Follow the chain: registry changes, heads, and the blocks they stand in; go back when the chain does.

A reorganisation is another block at a number that is stored. A chain that is only shorter contradicts nothing: then the
node lags, and nothing goes back (docs/adr/0011-many-endpoints-one-chain.md).
"""

from collections.abc import Iterator
from dataclasses import dataclass

from anchors.chain.finality import newest_final
from anchors.chain.port import Block, Chain, ChainUnavailable, RegistryEvent, WitnessEvent
from anchors.core.block.head import id_in_block
from anchors.core.registry import initial_head, next_head
from anchors.core.trust import Finality
from ledger_service.usecases.incident import Incident
from ledger_service.usecases.ports import ChainStatus, ChainView, FollowedBlocks

BLOCKS_PER_STEP = 500
BLOCKS_WITH_HEADERS = 128
"""How many of the newest blocks are stored with their hashes, and all that are not final besides, so that the block is
found from which on the chain was replaced."""

_BLOCKS_A_PAGE = 64


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
        self._held: int | None = None
        self.caught_up = False
        """Whether the view has reached the chain's tip in this process, and was not thrown back since."""

    def run_once(self) -> Followed:
        """Go to the chain's tip. Raises `ChainUnavailable` where the chain moved meanwhile: run again.

        Raises `Incident` where a block that was final has left the chain; the view has gone back all the same."""
        self._hold_to_final()
        tip = self._chain.tip()
        common, replaced = self._common_block(tip)
        if replaced is not None and replaced <= self._view.status().final_number:
            # One node's word is not enough: as long as another one holds the final block, that one is asked.
            self._hold_to_final(again=True)
            tip = self._chain.tip()
            common, replaced = self._common_block(tip)
        if replaced is not None:
            self._go_back(common, replaced)
        elif common is not None and (newest := self._newest()).number > tip.number:
            return self._wait_for(tip, newest)
        final_number = newest_final(self._chain, self._finality, tip)
        last = common
        while (last.number if last else self._start_block - 1) < tip.number:
            last = self._step(last, tip, final_number)
        self._note_final(last, final_number)
        self._hold_to_final()
        self.caught_up = True
        return Followed(last or tip, replaced)

    def _hold_to_final(self, *, again: bool = False) -> None:
        number = self._view.status().final_number
        if again or number != self._held:
            for final in self._view.recent_blocks(number, 1):
                self._chain.hold_to(final)
            self._held = number

    def _wait_for(self, tip: Block, newest: Block) -> Followed:
        """The node lags. What was read stands; but who was not caught up before does not know how far the chain is."""
        if not self.caught_up:
            raise ChainUnavailable(
                f"the node is at block {tip.number}, block {newest.number} was followed before: it lags behind; "
                "wait until it has caught up, or set HUZHENG_RPC to another node"
            )
        return Followed(newest, None)

    def _newest(self) -> Block:
        return self._view.recent_blocks(None, 1)[0]

    def _go_back(self, common: Block | None, replaced: int) -> None:
        # Until the new blocks are read, a revocation may be missing that stood in the old ones.
        self.caught_up = False
        was_final = self._view.status().final_number
        incident = ""
        if replaced <= was_final:
            incident = (
                f"block {replaced} was final and has left the chain; states went back, "
                "compare the chain with other nodes before going on, then restart"
            )
        self._view.roll_back(common.number if common else self._start_block - 1, incident)
        if incident:
            raise Incident(incident)

    def _common_block(self, tip: Block) -> tuple[Block | None, int | None]:
        """The newest stored block that is still in the chain, and the oldest stored one that is not."""
        replaced, above = None, None
        for stored in self._stored_blocks():
            if stored.number > tip.number:
                above = stored.number
                continue
            present = tip if stored.number == tip.number else self._header(stored.number)
            if present.hash == stored.hash:
                return stored, replaced
            replaced = stored.number
        if replaced is not None:
            # Nothing that was kept is left: read everything again from the start.
            return None, self._start_block
        if above is not None:
            raise ChainUnavailable(
                f"the node is at block {tip.number}, below block {above}, the oldest that is kept here: it lags "
                "behind, or answers for another chain; set HUZHENG_RPC to another node"
            )
        return None, None

    def _stored_blocks(self) -> Iterator[Block]:
        """All that are kept, newest first, by pages: in most runs the first one is all that is needed."""
        page = self._view.recent_blocks(None, 1)
        while page:
            yield from page
            page = self._view.recent_blocks(page[-1].number - 1, _BLOCKS_A_PAGE)

    def _step(self, last: Block | None, tip: Block, final_number: int) -> Block:
        first_number = last.number + 1 if last else self._start_block
        last_number = min(tip.number, first_number + BLOCKS_PER_STEP - 1)
        first_header = max(first_number, min(tip.number - BLOCKS_WITH_HEADERS, final_number))
        blocks = self._headers(first_header, last_number, last)
        registry_events = self._chain.registry_events(first_number, last_number)
        witness_events = self._chain.witness_events(first_number, last_number)
        _check_places([*registry_events, *witness_events], blocks)
        self._check_heads(registry_events)
        newest = blocks[-1] if blocks else self._header(last_number)
        self._view.add(
            FollowedBlocks(
                blocks or [newest],
                registry_events,
                witness_events,
                self._times(witness_events, blocks),
                ChainStatus(newest, self._final(min(final_number, last_number))),
            )
        )
        return newest

    def _note_final(self, last: Block | None, final_number: int) -> None:
        """Blocks become final without a new one where the node says so."""
        if last is not None and min(final_number, last.number) > self._view.status().final_number:
            status = ChainStatus(last, self._final(min(final_number, last.number)))
            self._view.add(FollowedBlocks([], [], [], {}, status))

    def _final(self, final_number: int) -> int:
        """What was final stays so: a node that says less later is not believed."""
        return max(final_number, self._view.status().final_number)

    def _times(self, events: list[WitnessEvent], blocks: list[Block]) -> dict[int, int]:
        """The time of every block in which a head stands. There the head must have the id that the event names."""
        known, times = {block.number: block for block in blocks}, {}
        for event in events:
            number = event.place.block_number
            block = known[number] = known.get(number) or self._header(number)
            if block.hash != event.place.block_hash:
                raise ChainUnavailable("the chain was replaced while its events were read; reading again")
            if id_in_block(event, block) != event.witness_id:
                raise ChainUnavailable(
                    f"the head of {event.new_size} entries in block {number} does not hash to its id; "
                    "the node's answers are wrong: set HUZHENG_RPC to another node"
                )
            times[number] = block.timestamp
        return times

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
