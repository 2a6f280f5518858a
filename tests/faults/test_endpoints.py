"""Several endpoints: the loss of one is no event; nodes that lag, equivocate or are of another chain are set aside."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from anchors.chain import endpoint, endpoints
from anchors.chain.endpoints import Endpoints, split_urls
from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import ChainIdentity, ChainUnavailable
from anchors.core.encoding import encode_hex
from anchors.core.errors import MalformedInput
from anchors.core.trust import Finality
from ledger_service.processes.opening import open_log
from ledger_service.settings import read_settings
from ledger_service.storage.chain_view import SqlChainView
from ledger_service.storage.database import open_database
from ledger_service.usecases.follow import Follower
from ledger_service.usecases.incident import Incident
from scripts.anvil import Anvil
from scripts.local_chain import CHAIN_ID, MNEMONIC
from tests.faults.lagging import at_block
from tests.faults.rpc_proxy import RpcProxy, delayed, late, lose_request, proxies, result
from tests.fixtures.chain import ScratchChain
from tests.fixtures.ledger import running_ledger
from tests.ports.chain_world import AnvilWorld, SampleLog

TIMEOUT_SECONDS = 3.0
GENESIS_TIME = 1_700_000_000


@pytest.fixture
def world(chain: ScratchChain) -> AnvilWorld:
    return AnvilWorld(chain)


@pytest.fixture
def nodes(world: AnvilWorld) -> Iterator[list[RpcProxy]]:
    """Two ways to one node."""
    with proxies(world.scratch.url, world.scratch.url) as both:
        yield both


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nodes are looked at again soon."""
    monkeypatch.setattr(endpoint, "RETRY_SECONDS", 0.2)
    monkeypatch.setattr(endpoints, "SURVEY_SECONDS", 0.2)


def chain_of(world: AnvilWorld, *nodes: RpcProxy, timeout_seconds: float = TIMEOUT_SECONDS) -> EthereumChain:
    return EthereumChain([node.url for node in nodes], world.registry, world.witness, timeout_seconds)


def troubles(chain: EthereumChain) -> list[str]:
    return [state.trouble for state in chain.endpoints.states()]


def in_use(chain: EthereumChain) -> int:
    (number,) = (number for number, state in enumerate(chain.endpoints.states()) if state.in_use)
    return number


def wait_for(what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 20
    while not what():
        assert time.monotonic() < deadline, "waited 20 s in vain"
        time.sleep(0.02)


def heights(chain: EthereumChain) -> bool:
    """Ask for the tip, which also has the nodes looked at; True, so that it can stand in a condition."""
    return chain.tip().number >= 0


# One URL or several


@pytest.mark.parametrize("rpc", ["", ",", "http://a,http://a", "http://a,", [], "ftp://a,http://b", "http://a,b:1"])
def test_a_list_of_urls_that_is_none_is_refused(rpc: str | list[str]) -> None:
    with pytest.raises(MalformedInput, match=r"expected http://host:port"):
        Endpoints(rpc)


def test_urls_stand_in_a_list_or_in_one_text() -> None:
    assert split_urls("http://a:1") == ["http://a:1"]
    assert split_urls(" http://a:1 , http://b:1/token") == split_urls(["http://a:1", "http://b:1/token"])


# Loss


def test_a_node_that_is_gone_is_no_event_and_the_other_one_is_kept(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    chain = chain_of(world, *nodes)
    assert (chain.tip(), in_use(chain)) == (world.chain.tip(), 0)
    nodes[0].close()
    for _ in range(3):
        assert chain.tip() == world.chain.tip()
        assert chain.identity() == world.chain.identity()
    assert in_use(chain) == 1 and nodes[0].url in troubles(chain)[0] and troubles(chain)[1] == ""
    nodes[0].open()
    asked = len(nodes[0].asked("eth_getBlockByNumber"))
    chain.tip()
    assert in_use(chain) == 1, "nobody goes back to the first one without need"
    assert len(nodes[0].asked("eth_getBlockByNumber")) == asked


@pytest.mark.alone
def test_a_node_that_hangs_costs_part_of_one_call_and_then_nothing(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    chain = chain_of(world, *nodes)
    chain.tip()
    nodes[0].on("*", late(60))
    began = time.monotonic()
    assert chain.tip() == world.chain.tip()
    assert time.monotonic() - began < TIMEOUT_SECONDS
    began = time.monotonic()
    assert chain.tip() == world.chain.tip()
    assert time.monotonic() - began < TIMEOUT_SECONDS / 3


@pytest.mark.alone
def test_without_any_node_each_is_named_within_the_deadline(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    chain = chain_of(world, *nodes)
    chain.tip()
    nodes[0].on("*", late(60))
    nodes[1].close()
    began = time.monotonic()
    with pytest.raises(ChainUnavailable) as unavailable:
        chain.tip()
    assert time.monotonic() - began < TIMEOUT_SECONDS + 1
    assert all(node.url in str(unavailable.value) for node in nodes)
    nodes[0].heal()
    nodes[1].open()
    assert chain.tip() == world.chain.tip(), "a failed one is asked where there is no other"


def test_a_node_that_recovers_is_seen_to(quick: None, world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    chain = chain_of(world, *nodes)
    nodes[0].down = True
    chain.tip()
    assert troubles(chain)[0] and in_use(chain) == 1
    nodes[0].heal()
    wait_for(lambda: heights(chain) and troubles(chain) == ["", ""])
    nodes[1].down = True
    assert chain.tip() == world.chain.tip() and in_use(chain) == 0


def test_logs_are_one_nodes_answer(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    """The first node says that the block is there, and dies; the second one does not have it yet."""
    log, chain = SampleLog(world).set_up(), chain_of(world, *nodes)
    first = world.scratch.height
    log.witness(0, 5)
    log.witness(5, 8)
    last = world.scratch.height
    nodes[1].on("*", at_block(lambda: last - 1))
    dying = nodes[0].on("eth_getLogs", lose_request())
    with pytest.raises(ChainUnavailable, match=f"not reached block {last}"):
        chain.witness_events(first, last)
    assert dying.fired
    nodes[1].heal()
    assert [event.new_size for event in chain.witness_events(first, last)] == [5, 8]


@pytest.mark.alone
def test_a_transaction_goes_to_all_and_who_hangs_is_not_waited_for(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    log, chain = SampleLog(world).set_up(), chain_of(world, *nodes, timeout_seconds=20)
    sender = world.sender()
    world.set_automine(False)
    raw = sender.sign(log.call(0, 5), sender.next_nonce(), sender.fees()).raw
    answers = chain.endpoints.call_all("eth_sendRawTransaction", "0x" + raw.hex())
    assert len(answers) == 2 and any(isinstance(answer, str) for answer in answers)
    assert [len(node.asked("eth_sendRawTransaction")) for node in nodes] == [1, 1]
    nodes[0].on("eth_chainId", delayed(60))
    began = time.monotonic()
    hung, answered = chain.endpoints.call_all("eth_chainId")
    assert isinstance(hung, ChainUnavailable) and answered == hex(CHAIN_ID)
    assert time.monotonic() - began < 2 * endpoints.GRACE_SECONDS


# Another chain


def test_a_node_of_another_chain_is_set_aside_and_named(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    nodes[0].on("eth_chainId", result("0x7"))
    right = world.chain.identity()
    chain = chain_of(world, *nodes)
    chain.endpoints.expect(right)
    assert chain.tip() == world.chain.tip() and chain.identity() == right
    assert in_use(chain) == 1 and "answers for chain 7 with genesis 0x" in troubles(chain)[0]
    nodes[1].close()
    with pytest.raises(ChainUnavailable, match="answers for chain 7"):
        chain.tip()
    with pytest.raises(ChainUnavailable):  # one node's word against one that is away
        chain.identity()


def test_without_a_word_the_first_that_answers_names_the_chain(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    nodes[1].on("eth_chainId", result("0x7"))
    chain = chain_of(world, *nodes)
    chain.tip()
    nodes[0].close()
    with pytest.raises(ChainUnavailable, match="answers for chain 7"):
        chain.tip()


def test_where_all_nodes_are_of_another_chain_the_caller_sees_it(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    chain = chain_of(world, *nodes)
    chain.endpoints.expect(ChainIdentity(7, bytes(32)))
    assert chain.identity() == world.chain.identity()


def opened(world: AnvilWorld, database: str, *rpc: RpcProxy, signs: bool = True) -> EthereumChain:
    """The chain of a log on this database, as a process opens it."""
    contracts = {"registry": encode_hex(world.registry), "witness": encode_hex(world.witness)}
    urls = ",".join(node.url for node in rpc)
    settings = read_settings(origin="ledger.example/endpoints", database=database, rpc=urls, **contracts)
    return open_log(settings, "test", signs=signs).chain


def test_a_used_database_knows_its_chain(world: AnvilWorld, nodes: list[RpcProxy], sqlite_url: str) -> None:
    """Even where the first node of the settings is of another chain."""
    opened(world, sqlite_url, nodes[1])
    nodes[0].on("eth_chainId", result("0x7"))
    chain = opened(world, sqlite_url, *nodes)
    assert chain.identity() == world.chain.identity() and in_use(chain) == 1
    with pytest.raises(Incident, match="belongs to another log or chain: its chain_id is 31337, not 7"):
        opened(world, sqlite_url, nodes[0])


def test_who_only_accepts_asks_about_a_chain_once(world: AnvilWorld, nodes: list[RpcProxy], sqlite_url: str) -> None:
    """The first start finds the chain out; later ones wait for no node, which may be silent."""
    opened(world, sqlite_url, nodes[0], signs=False)
    opened(world, sqlite_url, nodes[1], signs=False)
    assert nodes[0].asked("eth_chainId") and not nodes[1].asked("eth_chainId")
    opened(world, sqlite_url, nodes[1])
    assert nodes[1].asked("eth_chainId")


# Lag and equivocation


def test_a_node_that_falls_far_behind_another_is_left(quick: None, world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    chain = chain_of(world, *nodes)
    behind = world.scratch.height
    nodes[0].on("*", at_block(lambda: behind))
    world.mine(endpoints.MOST_BLOCKS_BEHIND)
    time.sleep(0.5)
    assert heights(chain) and in_use(chain) == 0, "a little behind is no reason to leave"
    world.mine()
    wait_for(lambda: heights(chain) and in_use(chain) == 1)
    assert chain.tip() == world.chain.tip()


def test_a_node_that_has_not_reached_a_final_block_is_not_asked(world: AnvilWorld, nodes: list[RpcProxy]) -> None:
    chain = chain_of(world, *nodes)
    log = SampleLog(world).set_up()
    log.witness(0, 5)
    final = world.chain.tip()
    nodes[1].on("*", at_block(lambda: final.number - 1))
    chain.hold_to(final)
    assert chain.head(log.id).size == 5
    nodes[0].close()
    with pytest.raises(ChainUnavailable, match=f"lags behind: it has not reached block {final.number}, which is final"):
        chain.head(log.id)
    nodes[1].heal()
    assert chain.head(log.id).size == 5


@pytest.fixture
def twins(tmp_path: Path) -> Iterator[list[ScratchChain]]:
    """Two nodes with one genesis that do not know of each other."""
    options = ["--chain-id", str(CHAIN_ID), "--mnemonic", MNEMONIC, "--timestamp", str(GENESIS_TIME)]
    started = [Anvil(tmp_path / f"anvil-{number}.log", options=options).start() for number in range(2)]
    try:
        yield [ScratchChain(anvil) for anvil in started]
    finally:
        for anvil in started:
            anvil.kill()


def test_an_equivocating_node_is_set_aside_until_all_contradict(
    twins: list[ScratchChain], sqlite_url: str, quick: None
) -> None:
    honest, other = twins
    with proxies(honest.url, other.url) as nodes:
        world = AnvilWorld(honest)
        chain = chain_of(world, *nodes)
        assert EthereumChain(other.url, bytes(20), bytes(20)).identity() == world.chain.identity()
        other.mine(40)  # and it is ahead
        view = SqlChainView(open_database(sqlite_url), bytes(32))
        follower = Follower(chain, view, world.registry, 0, Finality(3))
        honest.mine(10)
        for _ in range(8):  # nothing is final yet, and all nodes are looked at
            assert heights(chain) and in_use(chain) == 0, "one that is ahead on another branch is not followed"
            time.sleep(0.1)
        follower.run_once()
        assert view.recent_blocks(None, 1) == [world.chain.tip()]
        wait_for(lambda: heights(chain) and "holds another block" in troubles(chain)[1])
        nodes[0].close()
        for _ in range(3):
            with pytest.raises(ChainUnavailable, match="holds another block"):
                follower.run_once()
        nodes[0].open()
        follower.run_once()
        assert follower.caught_up and in_use(chain) == 0
        honest.reorg(8)  # and now the first one contradicts what was final, too
        with pytest.raises(Incident, match="was final and has left the chain"):
            follower.run_once()


def test_one_node_that_reorganises_below_finality_is_left_for_one_that_does_not(
    twins: list[ScratchChain], sqlite_url: str
) -> None:
    """The second proxy leads to the same chain as it was: what the first one says now is one node's word."""
    honest, forked = twins
    with proxies(honest.url, honest.url) as nodes:
        world = AnvilWorld(honest)
        chain = chain_of(world, *nodes)
        view = SqlChainView(open_database(sqlite_url), bytes(32))
        follower = Follower(chain, view, world.registry, 0, Finality(3))
        honest.mine(10)
        follower.run_once()
        before = view.recent_blocks()
        chain.tip()  # the first node was found to hold the final block
        forked.mine(30)
        nodes[0].upstream = forked.url
        follower.run_once()
        assert in_use(chain) == 1 and "holds another block" in troubles(chain)[0]
        assert view.recent_blocks() == before and follower.caught_up


@pytest.mark.parametrize("seed", range(2))
def test_whoever_answers_the_view_never_shrinks(
    world: AnvilWorld, nodes: list[RpcProxy], sqlite_url: str, quick: None, seed: int
) -> None:
    """Nodes come, go and lag in any order: no incident, no block twice, no head that is seen and then not."""
    chance, log = random.Random(seed), SampleLog(world).set_up()
    lag = [0, 0]
    for number, node in enumerate(nodes):
        node.on("*", at_block(lambda number=number: max(1, world.scratch.height - lag[number])))
    view = SqlChainView(open_database(sqlite_url), log.id)
    follower = Follower(chain_of(world, *nodes), view, world.registry, 0, Finality(4))
    newest, final, size, heads = -1, -1, 0, 0
    for _ in range(30):
        for number, node in enumerate(nodes):
            node.down, lag[number] = chance.random() < 0.3, chance.choice([0, 0, 1, 3, 6])
        if size < 40 and chance.random() < 0.4:
            log.witness(size, size + 1)
            size += 1
        world.mine(chance.choice([0, 1, 2]))
        try:
            follower.run_once()
        except ChainUnavailable:
            continue
        (block,), status, head = view.recent_blocks(None, 1), view.status(), view.newest_head()
        assert block.number >= newest and status.final_number >= final and (head is None or head.new_size >= heads)
        newest, final, heads = block.number, status.final_number, head.new_size if head else 0
    for node in nodes:
        node.heal()
    follower.run_once()
    assert view.recent_blocks(None, 1) == [world.chain.tip()] and (view.newest_head() or heads) and follower.caught_up
    assert [event.new_size for event in reversed(view.heads(None, 100))] == list(range(1, size + 1))


# The service


@contextmanager
def two_ways(chain: ScratchChain) -> Iterator[list[RpcProxy]]:
    with proxies(chain.url, chain.url) as nodes:
        yield nodes


def test_the_service_does_not_notice_the_loss_of_one_node(chain: ScratchChain, tmp_path: Path) -> None:
    database = f"sqlite:///{tmp_path / 'ledger.db'}"
    with two_ways(chain) as nodes:
        rpc = ",".join(node.url for node in nodes)
        with running_ledger(chain, tmp_path, database, rpc=rpc, lease_seconds="2", promise_seconds="60") as ledger:
            signer = ledger.signer(0)
            assert ledger.get("/readyz").json()["notes"] == []
            for lost in (0, 1):
                nodes[lost].close()
                signed = signer.issued()
                ledger.submit(signed)
                assert ledger.wait_for_state(signed, "final")["overdue"] is False
                (note,) = ledger.wait_for(lambda: ledger.get("/readyz").json()["notes"])
                assert nodes[lost].url in note and ledger.get("/readyz").json()["ready"]
                assert f'huzheng_node_failing{{node="{nodes[lost].url}"}} 1.0' in ledger.get("/metrics").text
                nodes[lost].open()
                ledger.wait_for(lambda: ledger.get("/readyz").json()["notes"] == [])
            assert "WARNING follow" not in ledger.log() and "WARNING witness" not in ledger.log()
