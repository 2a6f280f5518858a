"""The registry as the door sees it: what is final admits, what is known revokes."""

from collections.abc import Sequence

from anchors.core.encoding import encode_hex
from anchors.core.registry import Change, Institution, Key, Purpose, Registry
from anchors.core.typed_data import Domain
from ledger_service import problems
from ledger_service.kinds import Kind
from ledger_service.problems import Refused
from ledger_service.usecases.ports import RegistryVersion


class DoorRegistry:
    """One state of the registry. Admissions count once final; revocations and suspensions as soon as they are seen."""

    def __init__(self, domain: Domain, changes: Sequence[Change], version: RegistryVersion):
        self.version = version
        self._log = domain.log
        self._final = Registry.fold(domain.chain_id, domain.registry, changes[: version.final_count])
        self._latest = Registry.fold(domain.chain_id, domain.registry, changes)
        self._keys: dict[str, list[bytes]] = {}
        for key in self._latest.keys.values():
            self._keys.setdefault(key.institution, []).append(key.address)
        self._found: set[tuple[bytes, str, str]] = set()
        """Who was found to sign which kind for whom: the same do so again and again."""

    def other_logs(self, domain: Domain) -> list[Domain]:
        """The domains of the other logs that the registry opened."""
        return [Domain(domain.chain_id, domain.registry, log) for log in self._latest.operators if log != domain.log]

    def keys_of(self, institution: str) -> Sequence[bytes]:
        """Every key that an institution ever had, those that were revoked too: nobody else signed for it."""
        return self._keys.get(institution, ())

    def check_signer(self, key: bytes, institution: str, kind: Kind) -> None:
        """Whether `key` may sign `kind` for `institution` now. Raises `Refused`."""
        signs = (key, institution, kind.name)
        if signs not in self._found:
            self._judge_signer(key, institution, kind)
            self._found.add(signs)

    def _judge_signer(self, key: bytes, institution: str, kind: Kind) -> None:
        registered = self._in_force(key)
        if registered.institution != institution:
            raise Refused(
                problems.WRONG_INSTITUTION,
                f"{encode_hex(key)} speaks for {registered.institution}, not for {institution}",
            )
        self._check_standing(self._latest.institution(institution), kind)
        if not kind.roles & self._final.institution(institution).roles:
            raise Refused(
                problems.ROLE_MISSING,
                f"{kind.name} is signed by a {' or '.join(sorted(kind.roles))}; {institution} has no such role",
            )

    def holder(self, key: bytes) -> Institution:
        """The institution for which `key` speaks now; it may be suspended. Raises `Refused`."""
        institution = self._latest.institution(self._in_force(key).institution)
        if institution.exited:
            raise Refused(problems.INSTITUTION_EXITED, f"{institution.code} has left; its successor speaks for it")
        return self._final.institution(institution.code)

    def predecessors(self, institution: str) -> frozenset[str]:
        """The institution and all that left it as their successor."""
        return frozenset(code for code in self._final.institutions if self.speaks_for(institution, code))

    def _in_force(self, key: bytes) -> Key:
        registered = self._final.keys.get(key)
        latest = self._latest.keys.get(key)
        if latest is None or latest.log != self._log or latest.purpose != Purpose.STATEMENT:
            raise Refused(problems.UNKNOWN_KEY, f"{encode_hex(key)} is no statement key of this log; have it admitted")
        if registered is None:
            raise Refused(problems.KEY_NOT_FINAL, f"the admission of {encode_hex(key)} is not final; send again later")
        if latest.revoked_by is not None:
            raise Refused(problems.KEY_REVOKED, f"{encode_hex(key)} is revoked; sign with a key in force")
        return registered

    def _check_standing(self, institution: Institution, kind: Kind) -> None:
        if institution.exited:
            raise Refused(problems.INSTITUTION_EXITED, f"{institution.code} has left; its successor speaks for it")
        if institution.suspended and not kind.while_suspended:
            raise Refused(
                problems.INSTITUTION_SUSPENDED, f"{institution.code} is suspended and may not sign {kind.name}"
            )

    def speaks_for(self, institution: str, owner: str) -> bool:
        """Whether `institution` is `owner` or its registered successor."""
        return institution in (owner, self._final.heir(owner))
