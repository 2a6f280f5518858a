"""The real parts under the tests do what their descriptions say."""

import sqlalchemy
from eth_account import Account

from tests.fixtures.chain import ScratchChain


def test_a_transaction_makes_its_block_at_once(chain: ScratchChain) -> None:
    sender, receiver = chain.accounts[0], Account.create()
    before = chain.height
    name = chain.rpc("eth_sendTransaction", {"from": sender.address, "to": receiver.address, "value": hex(7)})
    assert int(chain.receipt(name)["blockNumber"], 16) == before + 1
    assert int(chain.rpc("eth_getBalance", receiver.address, "latest"), 16) == 7


def test_accounts_sign_for_themselves(chain: ScratchChain) -> None:
    sender, receiver = chain.accounts[1], Account.create()
    transaction = {
        "to": receiver.address,
        "value": 9,
        "gas": 21000,
        "gasPrice": 10**10,
        "nonce": 0,
        "chainId": chain.chain_id,
    }
    signed = sender.sign_transaction(transaction)
    chain.receipt(chain.rpc("eth_sendRawTransaction", signed.raw_transaction.to_0x_hex()))
    assert int(chain.rpc("eth_getBalance", receiver.address, "latest"), 16) == 9


def test_a_reorganisation_takes_transactions_back(chain: ScratchChain) -> None:
    sender, receiver = chain.accounts[0], Account.create()
    chain.mine(3)
    name = chain.rpc("eth_sendTransaction", {"from": sender.address, "to": receiver.address, "value": hex(7)})
    assert chain.receipt(name)["status"] == "0x1"
    chain.mine(1)
    tip = chain.height
    hashes = [chain.block_hash(number) for number in range(tip + 1)]
    chain.reorg(2)
    assert chain.height == tip
    assert [chain.block_hash(number) == hashes[number] for number in range(tip + 1)] == [True] * (tip - 1) + [False] * 2
    assert int(chain.rpc("eth_getBalance", receiver.address, "latest"), 16) == 0


def test_without_automine_transactions_wait(chain: ScratchChain) -> None:
    chain.set_automine(False)
    sender = chain.accounts[0].address
    name = chain.rpc("eth_sendTransaction", {"from": sender, "to": sender})
    assert chain.rpc("eth_getTransactionReceipt", name) is None
    chain.mine()
    assert chain.rpc("eth_getTransactionReceipt", name)["status"] == "0x1"


def test_the_next_time_is_the_tests_to_choose(chain: ScratchChain) -> None:
    time = int(chain.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16) + 12345
    chain.set_next_time(time)
    chain.mine()
    assert int(chain.rpc("eth_getBlockByNumber", "latest", False)["timestamp"], 16) == time


def _tables_after_making_one(url: str) -> list[str]:
    engine = sqlalchemy.create_engine(url)
    try:
        with engine.begin() as connection:
            before = sqlalchemy.inspect(connection).get_table_names()
            connection.exec_driver_sql("CREATE TABLE mark (n INTEGER)")
        return before
    finally:
        engine.dispose()


def test_a_store_is_empty(store_url: str) -> None:
    assert _tables_after_making_one(store_url) == []


def test_the_next_store_is_empty_again(store_url: str) -> None:
    assert _tables_after_making_one(store_url) == []


def test_postgresql_is_real(postgres_url: str) -> None:
    engine = sqlalchemy.create_engine(postgres_url)
    with engine.connect() as connection:
        version = connection.exec_driver_sql("SHOW server_version_num").scalar_one()
    engine.dispose()
    assert int(version) >= 160000
