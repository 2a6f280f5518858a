"""Steps 1 and 4, the chain's side: which chain it is, the registry's changes, the heads, all read afresh."""

from bisect import bisect_right
from dataclasses import astuple, fields

from anchors.chain.finality import newest_final
from anchors.chain.pages import pages
from anchors.chain.port import Block, Chain, ChainUnavailable, Head, RegistryEvent, WitnessEvent
from anchors.core.block.head import id_in_block
from anchors.core.encoding import encode_hex
from anchors.core.errors import Error
from anchors.core.merkle import EMPTY_ROOT
from anchors.core.registry import Change, Registry, initial_head
from anchors.core.trust import Trust, TrustedLog
from ledger_service.usecases.audit.findings import CHAIN, Findings

READS_OF_THE_HEAD = 5
_CHANGE_FIELDS = tuple(field.name for field in fields(Change))


class ChainHistory:
    """What the chain says of one log. `read` goes up to the tip, and on from there when it is called again; but not
    after it raised, and not once the tip that it reached was replaced."""

    def __init__(self, chain: Chain, trust: Trust, log: TrustedLog, findings: Findings, first_block: int = 0):
        self._chain = chain
        self._trust = trust
        self._log = log
        self._findings = findings
        self._next_block = first_block
        self.registry = Registry(trust.chain_id, trust.registry_contract.address)
        self.changes: list[RegistryEvent] = []
        self.registry_heads = [initial_head(trust.chain_id, trust.registry_contract.address)]
        self.heads: list[WitnessEvent] = []
        self.head_sizes: list[int] = []
        self.head_times: list[int] = []
        self.observable: dict[bytes, int] = {}
        self.tip: Block | None = None
        self.final_number = -1
        """The newest final block."""

    @property
    def log_id(self) -> bytes:
        """keccak256 of the log's origin."""
        return self._log.id

    def block(self, number: int) -> Block | None:
        """A block of the chain's present, None where there is none of that number."""
        return self._chain.block(number) if number >= 0 else None

    def covering(self, position: int) -> int | None:
        """The number (in `heads`) of the first head that covers the entry at `position`."""
        number = bisect_right(self.head_sizes, position)
        return number if number < len(self.heads) else None

    def check_identity(self) -> bool:
        """Step 1: chain, contracts. Nothing else can be judged where they are others."""
        identity, trust = self._chain.identity(), self._trust
        same = self._findings.compare(1, CHAIN, "identity", "chain id", trust.chain_id, identity.chain_id)
        same &= self._findings.compare(1, CHAIN, "identity", "genesis hash", trust.genesis, identity.genesis)
        for name, contract in (("registry", trust.registry_contract), ("witness", trust.witness_contract)):
            key = f"{name} contract {encode_hex(contract.address)}"
            found = self._chain.code_hash(contract.address)
            same &= self._findings.compare(1, CHAIN, key, "code hash", contract.code_hash, found)
        return same

    def read(self) -> bool:
        """Read on to the present tip. False where the registry does not fold, so that no key can be judged.

        Raises `ChainUnavailable`, also where blocks were replaced meanwhile."""
        tip, folds = self._chain.tip(), True
        for begin, end in pages(self._next_block, tip.number):
            folds = all(self._take_change(event) for event in self._chain.registry_events(begin, end))
            if not folds:
                break
            for event in self._chain.witness_events(begin, end):
                if event.log == self._log.id:
                    self._take_head(event)
        again = self._chain.block(tip.number)
        if again is None or again.hash != tip.hash:
            raise ChainUnavailable("the chain was replaced while it was read; run the audit again")
        if not folds:
            return False
        self.final_number = newest_final(self._chain, self._trust.finality, tip)
        self.tip, self._next_block = tip, tip.number + 1
        return True

    def check_trusted_changes(self) -> bool:
        """Step 1: the trust file's registry is what the chain's list begins with."""
        for number, trusted in enumerate(self._trust.changes, 1):
            found = astuple(self.changes[number - 1].change) if number <= len(self.changes) else None
            if not self._findings.compare_row(
                1, CHAIN, f"registry change {number}", _CHANGE_FIELDS, astuple(trusted), found
            ):
                return False
        return True

    def _take_change(self, event: RegistryEvent) -> bool:
        self._findings.counts["registry changes"] += 1
        key = f"registry change {event.change.number}"
        try:
            self.registry.apply(event.change)
        except Error as error:
            self._findings.fault(1, CHAIN, key, "change", f"one that follows change {self.registry.count}", error)
            return False
        self.changes.append(event)
        self.registry_heads.append(self.registry.head)
        return self._findings.compare(1, CHAIN, key, "registry head", self.registry.head, event.head)

    def _take_head(self, event: WitnessEvent) -> None:
        """Step 4: sizes follow each other, the registry is that of the event, and the id is the hash of all."""
        findings, key = self._findings, f"head of {event.new_size} entries in block {event.place.block_number}"
        findings.counts["heads"] += 1
        last = self.heads[-1] if self.heads else None
        findings.compare(4, CHAIN, key, "old size", last.new_size if last else 0, event.old_size)
        if last and event.new_size <= last.new_size:
            findings.fault(4, CHAIN, key, "new size", f"above {last.new_size}", event.new_size)
            return
        known = event.registry_count < len(self.registry_heads)
        expected = self.registry_heads[event.registry_count] if known else f"one of {self.registry.count} changes"
        findings.compare(4, CHAIN, key, "registry head", expected, event.registry_head)
        block = self._chain.block(event.place.block_number)
        if block is None or block.hash != event.place.block_hash:
            raise ChainUnavailable(f"block {event.place.block_number} changed while it was read; run the audit again")
        findings.compare(4, CHAIN, key, "witness id", id_in_block(event, block), event.witness_id)
        self.heads.append(event)
        self.head_sizes.append(event.new_size)
        self.head_times.append(block.timestamp)
        self.observable[event.witness_id] = event.new_size

    def check_present_head(self) -> None:
        """Step 4: what the contract holds now is its newest event. Reads on where it moved meanwhile."""
        for _ in range(READS_OF_THE_HEAD):
            held = self._chain.head(self._log.id)
            newest = Head(self.heads[-1].new_size, self.heads[-1].root) if self.heads else Head(0, EMPTY_ROOT)
            if held == newest:
                return
            self.read()
        self._findings.fault(
            4, CHAIN, "the contract's present head", "head", (newest.size, newest.root), (held.size, held.root)
        )
