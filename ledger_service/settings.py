"""Settings, from the environment (`HUZHENG_…`). All are checked at start; docs/SETTINGS.md lists them."""

import re
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import unquote, urlsplit

from pydantic import AfterValidator, Field, PrivateAttr, SecretStr, ValidationError, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, SettingsConfigDict

from anchors.chain.endpoints import Endpoints
from anchors.core.checkpoint import check_origin
from anchors.core.encoding import decode_hex
from anchors.core.errors import Error, MalformedInput
from anchors.core.quorum import NO_QUORUM, Policy, parse_policy
from anchors.core.trust import MAX_TRUST_BYTES, Authority, Finality, parse_trust
from anchors.cosigner import HttpWitness
from anchors.http_post import HttpPost
from ledger_service.originals import TrustedOrigins
from ledger_service.usecases.erase import Retention

MAX_AUTHORITIES = 8
_CERTIFICATE = re.compile(r"-----BEGIN CERTIFICATE-----.+?-----END CERTIFICATE-----", re.DOTALL)


class SettingsError(Error):
    """A setting is missing or wrong; the message names it and says what to do."""


def _origin(value: str) -> str:
    try:
        return check_origin(value)
    except MalformedInput as error:
        raise ValueError(str(error)) from None


def _address(value: str) -> str:
    try:
        decode_hex(value, 20, "address")
    except MalformedInput as error:
        raise ValueError(str(error)) from None
    return value


def _rpc(value: str) -> str:
    try:
        Endpoints(value)
    except MalformedInput as error:
        raise ValueError(str(error)) from None
    return value


def _finality(value: str) -> str:
    try:
        return str(Finality.parse(value))
    except MalformedInput as error:
        raise ValueError(str(error)) from None


def _retention(value: str) -> str:
    try:
        Retention.parse(value)
    except MalformedInput as error:
        raise ValueError(str(error)) from None
    return value


def _listed(value: str | None) -> list[str]:
    return [item.strip() for item in value.split(",")] if value else []


def _authorities(value: str) -> str:
    try:
        servers = [HttpPost(url).name for url in _listed(value)]
    except MalformedInput as error:
        raise ValueError(str(error)) from None
    if len(set(servers)) != len(servers) or len(servers) > MAX_AUTHORITIES:
        raise ValueError(f"at most {MAX_AUTHORITIES} are asked, each at a server of its own")
    return value


def _collector(value: str) -> str:
    if re.fullmatch(r"https?://[^\s/@?#]+(/[^\s@?#]*)?", value) is None:
        raise ValueError("an address such as http://127.0.0.1:4318, without a user, is expected")
    if find_spec("opentelemetry.exporter") is None:
        raise ValueError("OpenTelemetry is not installed; pip install 'huzheng[telemetry]'")
    return value


Address = Annotated[str, AfterValidator(_address)]


class Settings(BaseSettings):
    """What the service must know. The docstring of each field is its documentation."""

    model_config = SettingsConfigDict(env_prefix="HUZHENG_", extra="ignore", use_attribute_docstrings=True)

    origin: Annotated[str, AfterValidator(_origin)]
    """The log's origin, a schema-less URL such as `ledger.example/2026`. Never reused."""
    database: Annotated[str, Field(repr=False)] = "sqlite:///huzheng.db"
    """Where the ledger is kept: `sqlite:///path` or `postgresql://user:password@host/name`."""
    rpc: Annotated[str, Field(repr=False), AfterValidator(_rpc)]
    """JSON-RPC addresses of nodes of the chain: one, or several with commas between, the preferred one first."""
    registry: Address
    """Address of the InstitutionRegistry, 0x and 40 lower-case hex digits."""
    witness: Address
    """Address of the CheckpointWitness."""
    start_block: Annotated[int, Field(ge=0)] = 0
    """The block in which the registry was deployed; the chain is followed from there."""
    finality: Annotated[str, AfterValidator(_finality)] = "instant"
    """When a block is final: `instant` (QBFT, IBFT), `confirmations:N` (N blocks, its own included) or `finalized`
    (what the node calls so)."""
    keys: Path = Path("keys")
    """Folder of the operator's keystores: checkpoint.json, receipt.json, note.json, relay.json."""
    passphrase: SecretStr | None = None
    """Passphrase of the keystores."""
    passphrase_file: Path | None = None
    """File whose first line is the passphrase, instead of `passphrase`."""
    operator_token: SecretStr | None = None
    """Token that reads everything and freezes keys. Without it institutions read by their own keys; nobody freezes."""
    operator_token_file: Path | None = None
    """File whose first line is the token, instead of `operator_token`."""
    host: str = "127.0.0.1"
    """Address to listen on."""
    port: Annotated[int, Field(ge=0, le=65_535)] = 8080
    """Port to listen on; 0 takes a free one."""
    role: Literal["all", "api", "anchorer"] = "all"
    """What runs here: processes that accept and answer, a candidate for the anchorer, or both."""
    api_processes: Annotated[int, Field(ge=1, le=64)] = 1
    """How many processes accept and answer, on one listening socket. With role `all` and 1, one does everything."""
    lease_seconds: Annotated[float, Field(ge=0.5, le=3_600)] = 15.0
    """After how many seconds of silence another process takes the anchorer's place; the same for all of a log."""
    checkpoint_seconds: Annotated[float, Field(gt=0, le=3_600)] = 1.0
    """How often accepted entries are brought under a signed checkpoint."""
    witness_seconds: Annotated[float, Field(gt=0, le=86_400)] = 2.0
    """How often the newest checkpoint is sent to the contract."""
    max_fee: Annotated[int, Field(ge=1, le=1_000_000)] = 1_000
    """No transaction offers more than so many gwei per gas, whatever a node asks."""
    follow_seconds: Annotated[float, Field(gt=0, le=3_600)] = 0.5
    """How often the chain is asked for new blocks."""
    clock_seconds: Annotated[int, Field(ge=10, le=86_400)] = 300
    """How far the machine's clock may be from the chain's time before nothing is promised by it any more."""
    promise_seconds: Annotated[int, Field(ge=1, le=604_800)] = 600
    """Within how many seconds a receipt promises that a statement is witnessed."""
    rate_statements: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    """How many statements a second each API process accepts of one institution in the long run; 0 for no limit."""
    rate_burst: Annotated[int, Field(ge=1, le=10_000_000)] = 10_000
    """How many of them may come at once."""
    rate_unproven: Annotated[float, Field(ge=0, le=1_000_000)] = 0
    """How many statements a second without a right signature one client address may send; 0 for no limit."""
    rate_unproven_burst: Annotated[int, Field(ge=1, le=10_000_000)] = 5_000
    """How many of them may come at once."""
    rate_reminders: Annotated[float, Field(ge=0, le=1_000_000)] = 200
    """About how many reports a second each API process answers one institution's hooks; 0 for no limit."""
    rate_reminders_burst: Annotated[int, Field(ge=1, le=10_000_000)] = 5_000
    """How many of them may come at once."""
    entry_bundles: Literal["public", "token"] = "public"
    """Who may read entry bundles: they say who did what when."""
    retention_years: Annotated[str, AfterValidator(_retention)] = "30"
    """For how many years after it was witnessed nothing of a statement is erased; other numbers for categories of
    examinations follow with commas, such as `30,laboratory=15`."""
    timestamp_authorities: Annotated[str, AfterValidator(_authorities)] | None = Field(default=None, repr=False)
    """Addresses of time-stamp authorities (RFC 3161) that stamp witnessed checkpoints, with commas between."""
    timestamp_roots: Path | None = None
    """File of their root certificates, PEM, one after the other; a token that holds under none is not taken."""
    timestamp_seconds: Annotated[int, Field(ge=1, le=2_592_000)] = 3_600
    """How often each of them stamps a checkpoint."""
    timestamp_renew_days: Annotated[int, Field(ge=1, le=36_500)] = 365
    """How many days before its certificate ends a token is renewed."""
    foreign_trust: str | None = None
    """Trust files of other logs, by which reports are brought in from there: paths with commas between."""
    cosign_policy: Path | None = None
    """File in the tlog-policy format that names the witnesses to ask for cosignatures, each with its address."""
    cosign_rule: Literal["go-on", "withhold"] = "go-on"
    """Whether a checkpoint is published at once, or once the policy's quorum has cosigned it."""
    log_format: Literal["text", "json"] = "text"
    """How log lines are written."""
    telemetry: Annotated[str, AfterValidator(_collector)] | None = None
    """Address of an OpenTelemetry collector (OTLP over HTTP) for spans and metrics; without it nothing is sent."""

    _originals: TrustedOrigins = PrivateAttr()
    _roots: list[Authority] = PrivateAttr()
    _policy: Policy | None = PrivateAttr()

    @model_validator(mode="after")
    def _read_foreign_trust(self) -> Self:
        self._originals = _trusted_origins([name for name in (self.foreign_trust or "").split(",") if name.strip()])
        if self.origin in self._originals.origins:
            raise ValueError(f"HUZHENG_FOREIGN_TRUST: {self.origin} is this log itself; name trust files of others")
        return self

    @model_validator(mode="after")
    def _read_files(self) -> Self:
        for name in ("passphrase", "operator_token"):
            file = getattr(self, f"{name}_file")
            if file is None:
                continue
            if getattr(self, name):
                raise ValueError(f"set HUZHENG_{name.upper()} or HUZHENG_{name.upper()}_FILE, not both")
            setattr(self, name, SecretStr(_first_line(file, f"HUZHENG_{name.upper()}_FILE")))
        return self

    @model_validator(mode="after")
    def _can_keep_its_promise(self) -> Self:
        least = self.checkpoint_seconds + self.witness_seconds
        if self.promise_seconds <= least:
            raise ValueError(
                f"HUZHENG_PROMISE_SECONDS is {self.promise_seconds}, and a checkpoint with its transaction may take "
                f"{least:g} s to begin (HUZHENG_CHECKPOINT_SECONDS + HUZHENG_WITNESS_SECONDS): promise more"
            )
        return self

    @model_validator(mode="after")
    def _has_roots(self) -> Self:
        if bool(self.timestamp_authorities) != bool(self.timestamp_roots):
            raise ValueError(
                "set HUZHENG_TIMESTAMP_AUTHORITIES and HUZHENG_TIMESTAMP_ROOTS together: what an authority gives is "
                "taken only where it holds under a root certificate of that file"
            )
        self._roots = _read_roots(self.timestamp_roots)
        return self

    @model_validator(mode="after")
    def _has_policy(self) -> Self:
        self._policy = policy = _read_policy(self.cosign_policy)
        if self.cosign_rule == "withhold" and (policy is None or policy.quorum == NO_QUORUM):
            raise ValueError("HUZHENG_COSIGN_RULE=withhold needs a HUZHENG_COSIGN_POLICY with a quorum")
        return self

    @property
    def originals(self) -> TrustedOrigins:
        """The other logs from which reports are brought in, as their trust files were at the start."""
        return self._originals

    @property
    def roots(self) -> list[Authority]:
        """The root certificates of the time-stamp authorities, as their file was at the start."""
        return self._roots

    @property
    def policy(self) -> Policy | None:
        """The witnesses to ask for cosignatures, as their file was at the start; None without one."""
        return self._policy

    @property
    def retention(self) -> Retention:
        """The retention duty that erasing respects."""
        return Retention.parse(self.retention_years)

    @property
    def authorities(self) -> list[str]:
        """The addresses of the time-stamp authorities."""
        return _listed(self.timestamp_authorities)

    def secrets(self) -> list[str]:
        """Every value here that nobody may read, not even in a log."""
        given = [one.get_secret_value() for one in (self.passphrase, self.operator_token) if one is not None]
        nodes, outsiders = ([urlsplit(url) for url in _listed(urls)] for urls in (self.rpc, self.timestamp_authorities))
        passwords = [address.password for address in (urlsplit(self.database), *nodes, *outsiders)]
        # Hosted nodes are given out under a path or a query that is a key.
        keys = [part for node in nodes for part in (*node.path.split("/"), node.query)]
        written = [word for word in (*passwords, *keys) if word]
        return [*given, *written, *map(unquote, written)]


def _read_roots(file: Path | None) -> list[Authority]:
    """The root certificates in a PEM file, each named by its place in it; none without a file. Raises `ValueError`."""
    if file is None:
        return []
    try:
        blocks = _CERTIFICATE.findall(file.read_text("utf-8"))
        roots = [Authority.parse(f"certificate {number}", block) for number, block in enumerate(blocks, 1)]
    except (OSError, UnicodeDecodeError, MalformedInput) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"HUZHENG_TIMESTAMP_ROOTS: {file} cannot be read: {reason}") from None
    if not roots:
        raise ValueError(f"HUZHENG_TIMESTAMP_ROOTS: {file} holds no certificate in PEM")
    return roots


def _read_policy(file: Path | None) -> Policy | None:
    """The policy in a file; None without one. Raises `ValueError`."""
    if file is None:
        return None
    try:
        policy = parse_policy(file.read_bytes())
        for witness in policy.witnesses:
            HttpWitness(witness)
    except (OSError, MalformedInput) as error:
        reason = error.strerror if isinstance(error, OSError) else str(error)
        raise ValueError(f"HUZHENG_COSIGN_POLICY: {file}: {reason}") from None
    return policy


def read_settings(**overrides: object) -> Settings:
    """Settings from the environment; `overrides` win. Raises `SettingsError` in one line."""
    try:
        return Settings(**overrides)
    except ValidationError as error:
        raise SettingsError(f"settings: {'; '.join(map(_explain, error.errors()))}") from None


def _explain(item: ErrorDetails) -> str:
    """One finding: of a single variable, or of several together, which name themselves."""
    message = item["msg"].removeprefix("Value error, ")
    return f"HUZHENG_{str(item['loc'][0]).upper()}: {message}" if item["loc"] else message


def _trusted_origins(names: list[str]) -> TrustedOrigins:
    trusts = []
    for name in names:
        path = Path(name.strip())
        try:
            with path.open("rb") as file:
                trusts.append(parse_trust(file.read(MAX_TRUST_BYTES + 1)))
        except (OSError, ValueError, Error) as error:
            reason = error.strerror if isinstance(error, OSError) else error
            raise ValueError(f"HUZHENG_FOREIGN_TRUST: {path}: {reason}") from None
    try:
        return TrustedOrigins(trusts)
    except MalformedInput as error:
        raise ValueError(f"HUZHENG_FOREIGN_TRUST: {error}") from None


def _first_line(file: Path, variable: str) -> str:
    try:
        line = file.read_text("utf-8").partition("\n")[0]
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise ValueError(f"{variable}: {file} cannot be read: {reason}") from None
    if not line:
        raise ValueError(f"{variable}: the first line of {file} is empty")
    return line
