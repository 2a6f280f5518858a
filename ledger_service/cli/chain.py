"""`huzheng chain`: the contracts, their state, and trust files made from what a chain says."""

from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer

from anchors.chain.acts import OpenLog
from anchors.chain.administration import deploy as deploy_contracts
from anchors.chain.ethereum import EthereumChain
from anchors.chain.finality import newest_final
from anchors.chain.registry_history import read_registry
from anchors.chain.trust_builder import build_trust
from anchors.core.block.consensus import Consensus
from anchors.core.checkpoint import check_origin
from anchors.core.encoding import encode_hex
from anchors.core.errors import Error
from anchors.core.note import VerifierKey
from anchors.core.registry import Purpose, Registry
from anchors.core.times import iso_time
from anchors.core.trust import Authority, Finality, Trust, format_trust
from anchors.core.typed_data import log_id
from anchors.evidence.archive import MAX_ARCHIVE_BYTES
from anchors.evidence.blocks_named import blocks_named
from ledger_service.cli.administrator import perform
from ledger_service.cli.cosign import read_policy
from ledger_service.cli.options import AsJson, Rpc, parse_hex, passphrase, read_bounded, read_certificate, read_trust
from ledger_service.cli.output import Output
from ledger_service.client.errors import WrongInput
from ledger_service.client.files import write_atomically
from ledger_service.client.keystore import read_key_file

RegistryAddress = Annotated[
    str, typer.Option("--registry", envvar="HUZHENG_REGISTRY", help="Address of the InstitutionRegistry.")
]
WitnessAddress = Annotated[
    str, typer.Option("--witness", envvar="HUZHENG_WITNESS", help="Address of the CheckpointWitness.")
]
FirstBlock = Annotated[
    int, typer.Option("--first-block", envvar="HUZHENG_START_BLOCK", min=0, help="Block of the deployment.")
]


app = typer.Typer(rich_markup_mode=None)


@app.command("deploy")
def deploy(
    rpc: Rpc,
    key: Annotated[Path, typer.Option("--key", help="Key file of the account that pays.")],
    administrator: Annotated[
        str | None, typer.Option("--administrator", help="Address that will administer the registry; else the payer.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """Deploy registry and witness, which cannot be changed afterwards."""
    address = parse_hex(administrator, 20, "--administrator") if administrator else None
    deployed = deploy_contracts(rpc, read_key_file(key).unlock(passphrase()), address)
    members = {
        "registry": encode_hex(deployed.registry),
        "witness": encode_hex(deployed.witness),
        "block": deployed.block_number,
        "gas": deployed.gas_used,
    }
    output = Output(as_json)
    output.result(members)
    output.pairs(members.items(), title="Deployed:")
    return 0


@app.command("open-log")
def open_log(
    origin: Annotated[str, typer.Argument(help="The log's origin, a URL without scheme; never used again.")],
    operator: Annotated[str, typer.Option("--operator", help="Code of the institution that runs it.")],
    rpc: Rpc,
    registry: RegistryAddress,
    administrator: Annotated[
        Path | None, typer.Option("--administrator", envvar="HUZHENG_ADMINISTRATOR", help="Administrator's key file.")
    ] = None,
    call_data: Annotated[bool, typer.Option("--call-data", help="Send nothing: show the call for a multisig.")] = False,
    as_json: AsJson = False,
) -> int:
    """Open a log in the registry."""
    return perform(Output(as_json), OpenLog(check_origin(origin), operator), rpc, registry, administrator, call_data)


@app.command("status")
def status(
    rpc: Rpc,
    trust: Annotated[Path, typer.Option("--trust", envvar="HUZHENG_TRUST", help="Names contracts and logs.")],
    as_json: AsJson = False,
) -> int:
    """Hold a node's chain against a trust file. Exit status 1 where they do not fit."""
    trusted = read_trust(trust)
    chain = EthereumChain.of_trust(rpc, trusted)
    try:
        identity, tip = chain.identity(), chain.tip()
        contracts = {"registry": trusted.registry_contract, "witness": trusted.witness_contract}
        code = {name: chain.code_hash(contract.address) == contract.code_hash for name, contract in contracts.items()}
        heads = {log.origin: chain.head(log.id) for log in trusted.logs} if all(code.values()) else {}
    finally:
        chain.close()
    same = (identity.chain_id, identity.genesis) == (trusted.chain_id, trusted.genesis)
    members: dict[str, Any] = {
        "chain": identity.chain_id,
        "genesis": encode_hex(identity.genesis),
        "tip": tip.number,
        "tipTime": tip.timestamp,
        "sameChain": same,
        "sameCode": code,
        "logs": [
            {"origin": origin, "size": head.size, "root": encode_hex(head.root)} for origin, head in heads.items()
        ],
    }
    output = Output(as_json)
    output.result(members)
    output.pairs(
        [
            ("chain", f"{identity.chain_id}, {'as the trust file says' if same else 'NOT that of the trust file'}"),
            ("newest block", f"{tip.number}, {iso_time(tip.timestamp)}"),
            *((name, "code as the trust file says" if ok else "OTHER CODE, or none") for name, ok in code.items()),
        ]
    )
    for name, head in heads.items():
        output.pairs([("  entries witnessed", head.size), ("  root", encode_hex(head.root))], title=f"log {name}")
    return 0 if same and all(code.values()) else 1


@app.command("trust")
def trust(
    rpc: Rpc,
    registry: RegistryAddress,
    witness: WitnessAddress,
    origins: Annotated[list[str], typer.Option("--origin", help="Origin of a log to trust; repeat for more.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="The trust file to write.")] = Path("trust.json"),
    finality: Annotated[
        str,
        typer.Option("--finality", envvar="HUZHENG_FINALITY", help="instant, confirmations:N or finalized."),
    ] = "instant",
    validators: Annotated[list[str] | None, typer.Option("--validator", help="Address of a validator; repeat.")] = None,
    authorities: Annotated[
        list[str] | None,
        typer.Option(
            "--authority", metavar="NAME=FILE", help="A time-stamp authority and its root certificate, PEM; repeat."
        ),
    ] = None,
    consensus: Annotated[
        Consensus, typer.Option("--consensus", help="How the chain seals its blocks.", show_default=True)
    ] = Consensus.NONE,
    fix_block: Annotated[
        list[int] | None, typer.Option("--fix-block", help="Number of a final block to be believed by hash; repeat.")
    ] = None,
    fix_evidence: Annotated[
        Path | None, typer.Option("--fix-evidence", help="An evidence package whose blocks your node is to fix.")
    ] = None,
    witnesses: Annotated[
        Path | None, typer.Option("--witnesses", help="A tlog-policy: whose cosignatures make a quorum.")
    ] = None,
    first_block: FirstBlock = 0,
    as_json: AsJson = False,
) -> int:
    """Make a trust file from a node that you trust. Whoever uses it believes you and the node."""
    registry_address = parse_hex(registry, 20, "--registry")
    witness_address = parse_hex(witness, 20, "--witness")
    rule = Finality.parse(finality)
    named_by = _blocks_of(fix_evidence) if fix_evidence is not None else []
    fixed = list(dict.fromkeys([*(fix_block or ()), *named_by]))
    if consensus is not Consensus.NONE and not validators and not fixed:
        raise WrongInput(f"--consensus {consensus} alone proves no block: name the validators with --validator")
    chain = EthereumChain(rpc, registry_address, witness_address)
    try:
        folded = Registry(chain.identity().chain_id, registry_address)
        read_registry(chain, folded, first_block, newest_final(chain, rule, chain.tip()))
        logs = [(origin, _note_keys(folded, origin)) for origin in origins]
        named = [parse_hex(address, 20, "--validator") for address in validators or ()]
        made = build_trust(
            chain,
            registry_address,
            witness_address,
            logs,
            rule,
            named,
            first_block,
            consensus=consensus,
            fixed_blocks=fixed,
        )
    finally:
        chain.close()
    made = replace(made, authorities=tuple(_read_authority(text) for text in authorities or ()))
    if witnesses is not None:
        made = replace(made, witnesses=_witness_lines(witnesses))
    write_atomically(out, format_trust(made))
    _show_trust(Output(as_json), made, out)
    return 0


def _show_trust(output: Output, made: Trust, out: Path) -> None:
    output.result(
        {
            "file": str(out),
            "chain": made.chain_id,
            "changes": made.registry.count,
            "head": encode_hex(made.registry.head),
            "logs": [{"origin": log.origin, "keys": [str(key) for key in log.keys]} for log in made.logs],
        }
    )
    output.pairs([("file", out), ("chain", made.chain_id), ("registry changes", made.registry.count)])
    output.table(("log", "verifier key"), [(log.origin, key) for log in made.logs for key in log.keys])


def _blocks_of(package: Path) -> list[int]:
    data = read_bounded(package, MAX_ARCHIVE_BYTES, "evidence package")
    try:
        return blocks_named(data)
    except Error as error:
        raise WrongInput(f"{package}: {error}; give an evidence package") from None


def _read_authority(text: str) -> Authority:
    name, separator, file = text.partition("=")
    if not name or not separator:
        raise WrongInput(f"--authority {text!r}: expected NAME=FILE, such as 'SAMPLE clock=root.pem'")
    return Authority(name, read_certificate(Path(file)))


def _witness_lines(file: Path) -> tuple[str, ...]:
    """The lines of a policy that a trust file holds: no logs, no addresses, no comments."""
    policy = read_policy(file)
    return (
        *(f"witness {witness.name} {witness.key}" for witness in policy.witnesses),
        *(f"group {name} {group.count} {' '.join(group.members)}" for name, group in policy.groups.items()),
        f"quorum {policy.quorum}",
    )


def _note_keys(registry: Registry, origin: str) -> list[VerifierKey]:
    """The note keys of a log that are in force."""
    log = log_id(check_origin(origin))
    if log not in registry.operators:
        raise WrongInput(f"no log {origin} is open in the registry's final changes; open it, or wait for its block")
    keys = [
        VerifierKey(origin, key.data)
        for key in registry.keys.values()
        if key.purpose == Purpose.NOTE and key.log == log and key.revoked_by is None
    ]
    if not keys:
        raise WrongInput(f"the log {origin} has no note key in the registry's final changes; add one first")
    return keys
