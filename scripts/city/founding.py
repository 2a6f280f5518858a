"""Found a city on a chain: contracts, an operator with its keys, a log, institutions in three tiers with their keys.

Everything is synthetic and says so: institution codes begin with SYN. Secrets are derived from a seed, so that a city
can be founded twice alike; no real key is ever made this way.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path

from anchors.chain.acts import Act, Admit, OpenLog, add_key, add_note_key
from anchors.chain.administration import Administrator, Deployment, deploy
from anchors.chain.ethereum import EthereumChain
from anchors.chain.port import Chain
from anchors.chain.trust_builder import build_trust
from anchors.core.note import SignerKey
from anchors.core.registry import Purpose
from anchors.core.signature import address_from_secret
from anchors.core.trust import Finality, Trust
from anchors.core.typed_data import Domain, log_id
from ledger_service.client.keystore import ACCOUNT, create_key_file

OPERATOR, COMMISSION, QUALITY_CENTRE = "SYN-OPERATOR", "SYN-COMMISSION", "SYN-QUALITY-CENTRE"
PASSPHRASE = "synthetic"

_NAMES = ("东湖", "西岭", "南浦", "北塔", "云溪", "青榕", "木棉", "石桥", "沙洲", "荔湾")


@dataclass(frozen=True)
class Institution:
    """A synthetic institution: its code, name, tier (3 is highest; 0 for a laboratory) and secrets of 32 bytes."""

    code: str
    name: str
    tier: int
    role: str
    secret: bytes = field(repr=False)
    subject_secret: bytes = field(repr=False)

    @property
    def key(self) -> bytes:
        """Its statement key's address."""
        return address_from_secret(self.secret)


@dataclass(frozen=True)
class OperatorSecrets:
    """The operator's four secrets."""

    checkpoint: bytes = field(repr=False)
    receipt: bytes = field(repr=False)
    note: bytes = field(repr=False)
    relay: bytes = field(repr=False)


@dataclass(frozen=True)
class City:
    """A founded city."""

    rpc: str
    origin: str
    deployment: Deployment
    domain: Domain
    operator: OperatorSecrets
    institutions: tuple[Institution, ...]
    authorities: tuple[Institution, ...]
    """The health commission, the quality-control centre, and the operator where it makes statements of its own."""

    @property
    def everybody(self) -> tuple[Institution, ...]:
        """Whoever makes statements."""
        return (*self.institutions, *self.authorities)

    @property
    def note_key(self) -> SignerKey:
        """The key that signs the log's checkpoints."""
        return SignerKey(self.origin, self.operator.note)

    def trust(self, chain: Chain, finality: Finality, fixed_blocks: Sequence[int] = ()) -> Trust:
        """What a verifier believes, by the chain as it stands, with the hashes of these blocks. Raises as `build_trust`
        does."""
        logs, deployed = [(self.origin, [self.note_key.verifier])], self.deployment
        return build_trust(chain, deployed.registry, deployed.witness, logs, finality, fixed_blocks=fixed_blocks)


def derive_secret(seed: str, purpose: str) -> bytes:
    """A 32-byte secret, or a subject, for synthetic use."""
    return sha256(f"huzheng synthetic city/{seed}/{purpose}".encode()).digest()


def plan_institutions(seed: str, count: int = 30) -> tuple[Institution, ...]:
    """Of every five institutions one is of the third tier, two of the second, one of the first, one a laboratory."""
    plan = []
    for number in range(count):
        tier = (3, 2, 2, 1, 0)[number % 5]
        role = "hospital" if tier else "laboratory"
        what = {3: "三级医院", 2: "二级医院", 1: "社区卫生服务中心", 0: "医学检验所"}[tier]
        code = f"SYN{number:015d}"
        name = f"（合成）{_NAMES[number % len(_NAMES)]}{number // len(_NAMES) + 1}号{what}"
        plan.append(
            Institution(
                code, name, tier, role, derive_secret(seed, f"key {code}"), derive_secret(seed, f"subject {code}")
            )
        )
    return tuple(plan)


def plan_authorities(seed: str) -> tuple[Institution, ...]:
    """Who makes rules, grants qualifications and closes the reading log."""
    plan = (
        (COMMISSION, "（合成）卫生健康委员会", "regulator"),
        (QUALITY_CENTRE, "（合成）临床检验和放射质控中心", "quality-control"),
        (OPERATOR, "（合成）互认平台运营方", "operator"),
    )
    return tuple(
        Institution(code, name, 0, role, derive_secret(seed, f"key {code}"), derive_secret(seed, f"subject {code}"))
        for code, name, role in plan
    )


def name_city(
    rpc: str,
    origin: str,
    deployment: Deployment,
    domain: Domain,
    seed: str,
    relay_secret: bytes,
    institutions: int = 30,
) -> City:
    """The city that was founded with this seed on these contracts."""
    operator = OperatorSecrets(
        *(derive_secret(seed, purpose) for purpose in ("checkpoint", "receipt", "note")), relay=relay_secret
    )
    return City(
        rpc, origin, deployment, domain, operator, plan_institutions(seed, institutions), plan_authorities(seed)
    )


def found_city(
    rpc: str,
    origin: str,
    administrator_secret: bytes,
    seed: str,
    institutions: int = 30,
    relay_secret: bytes | None = None,
) -> City:
    """Deploy, open the log and admit everybody; returns when all of it is mined. The account of `relay_secret`, else
    the administrator's, pays for heads."""
    deployment = deploy(rpc, administrator_secret)
    chain = EthereumChain(rpc, deployment.registry, deployment.witness)
    domain = Domain(chain.identity().chain_id, deployment.registry, log_id(origin))
    city = name_city(rpc, origin, deployment, domain, seed, relay_secret or administrator_secret, institutions)
    administrator = Administrator(rpc, deployment.registry, administrator_secret)
    administrator.perform(
        *operator_acts(domain, origin, city.operator),
        *(Admit(item.code, (item.role,)) for item in city.everybody if item.code != OPERATOR),
        *(add_key(domain, item.code, Purpose.STATEMENT, item.secret) for item in city.everybody),
    )
    administrator.close()
    return city


def operator_acts(domain: Domain, origin: str, operator: OperatorSecrets, code: str = OPERATOR) -> list[Act]:
    """What admits an operator and opens its log."""
    note = SignerKey(origin, operator.note).verifier.public_key
    return [
        Admit(code, ("operator",)),
        OpenLog(origin, code),
        add_key(domain, code, Purpose.CHECKPOINT, operator.checkpoint),
        add_key(domain, code, Purpose.RECEIPT, operator.receipt),
        add_note_key(domain.log, code, note),
    ]


def write_operator_keys(operator: OperatorSecrets, folder: Path) -> None:
    """The operator's keystores as the service reads them, locked with `PASSPHRASE`."""
    folder.mkdir(parents=True, exist_ok=True)
    purposes = {"checkpoint": Purpose.CHECKPOINT, "receipt": Purpose.RECEIPT, "note": Purpose.NOTE, "relay": ACCOUNT}
    for name, purpose in purposes.items():
        path = folder / f"{name}.json"
        if not path.exists():
            create_key_file(path, purpose, PASSPHRASE, secret=getattr(operator, name), light=True)
