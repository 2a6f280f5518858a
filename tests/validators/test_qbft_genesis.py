"""The files a Besu QBFT network starts from: the published example to the byte, private keys, nothing overwritten."""

import json
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from anchors.core.encoding import decode_hex, encode_hex
from anchors.core.signature import address_from_secret
from scripts.qbft_genesis import GenesisRefused, encode_rlp, extra_data, make_network, permissions, quorum

# The four validators and the extra data of the genesis in Besu's documentation, "Configure QBFT consensus".
PUBLISHED_VALIDATORS = (
    "64a702e6263b7297a96638cac6ae65e6541f4169",
    "943923390ad55e90c237593b3b0e401f3b08a031",
    "94aefdb9a738c9f433e5b6b212a6d62f6370c2f6",
    "c7eeb9a4e00ce683cf93039b212648e01c6c6b78",
)
NODES = tuple(f"10.0.0.{number}:30303" for number in range(1, 5))


def published_extra_data() -> bytes:
    """Put together from the example's own pieces."""
    header, vanity, vote_round_seals = "f87aa0", "00" * 32, "c080c0"
    validators = "f854" + "".join(f"94{address}" for address in PUBLISHED_VALIDATORS)
    return bytes.fromhex(header + vanity + validators + vote_round_seals)


def test_the_extra_data_is_besus_own() -> None:
    assert extra_data([bytes.fromhex(address) for address in PUBLISHED_VALIDATORS]) == published_extra_data()


@pytest.mark.parametrize(
    ("item", "encoded"),
    [  # from the yellow paper's examples
        (b"dog", "83646f67"),
        ([b"cat", b"dog"], "c88363617483646f67"),
        (b"", "80"),
        ([], "c0"),
        (b"\x0f", "0f"),
        (b"\x80", "8180"),
        ([[], [[]], [[], [[]]]], "c7c0c1c0c3c0c1c0"),
        (b"a" * 56, "b838" + "61" * 56),
    ],
)
def test_rlp(item: object, encoded: str) -> None:
    assert encode_rlp(item).hex() == encoded


def test_three_of_four_seals_make_a_block_final() -> None:
    assert [quorum(n) for n in (1, 2, 3, 4, 5, 6, 7)] == [1, 2, 2, 3, 4, 4, 5]


def test_a_network_is_made_once_and_its_keys_are_private(tmp_path: Path) -> None:
    folder = tmp_path / "network"
    made = make_network(folder, NODES, chain_id=2026, accounts=["0x" + "11" * 20])
    genesis = json.loads((folder / "genesis.json").read_text())
    assert genesis["config"]["zeroBaseFee"] is True and genesis["config"]["chainId"] == 2026
    addresses = []
    for number in range(1, 5):
        key = folder / f"validator-{number}" / "key"
        assert stat.S_IMODE(key.stat().st_mode) == 0o600
        secret = decode_hex(key.read_text().strip(), 32, "key")
        addresses.append(address_from_secret(secret))
        assert (key.parent / "address").read_text().strip() == encode_hex(addresses[-1])
    assert len(set(addresses)) == 4
    assert genesis["extraData"] == encode_hex(extra_data(sorted(addresses)))
    enodes = json.loads((folder / "static-nodes.json").read_text())
    assert [enode.rpartition("@")[2] for enode in enodes] == list(NODES)
    assert (folder / "permissions_config.toml").read_text() == permissions(enodes, ["0x" + "11" * 20])
    secrets = [one.secret.hex() for one in made]
    shared = "".join(file.read_text() for file in folder.iterdir() if file.is_file())
    assert not any(secret in shared or secret in repr(made) for secret in secrets)
    with pytest.raises(GenesisRefused, match="not empty"):
        make_network(folder, NODES, chain_id=2026)


def test_mistakes_are_named(tmp_path: Path) -> None:
    with pytest.raises(GenesisRefused, match="once"):
        make_network(tmp_path / "a", [NODES[0], NODES[0]], chain_id=1)
    with pytest.raises(GenesisRefused, match="not host:port"):
        make_network(tmp_path / "a", ["nowhere"], chain_id=1)
    with pytest.raises(GenesisRefused, match="not an account"):
        make_network(tmp_path / "a", NODES, chain_id=1, accounts=["0x12"])
    assert not (tmp_path / "a").exists()


def test_the_command_says_what_it_made_and_warns_of_too_few(tmp_path: Path) -> None:
    root = Path(__file__).resolve().parents[2]
    command = [sys.executable, "-m", "scripts.qbft_genesis", str(tmp_path / "network"), "--chain-id", "2026"]
    done = subprocess.run([*command, "--node", NODES[0]], cwd=root, capture_output=True, text=True)
    assert done.returncode == 0 and "quorum 1" in done.stdout and "take four or more" in done.stderr
    again = subprocess.run([*command, "--node", NODES[0]], cwd=root, capture_output=True, text=True)
    assert again.returncode == 1 and again.stderr.count("\n") == 1 and "not empty" in again.stderr
