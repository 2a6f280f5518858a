"""One run of the city, from an empty folder (or where the last run left it) to an audited ledger that serves."""

import contextlib
import json
import os
import re
import secrets
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any, Self

from eth_account import Account

from anchors.chain.administration import Deployment
from anchors.chain.ethereum import EthereumChain
from anchors.core.encoding import encode_hex
from anchors.core.trust import Finality, Trust, format_trust
from anchors.core.typed_data import Domain, log_id
from anchors.evidence.blocks_named import blocks_named
from ledger_service.client.api import Api
from ledger_service.client.bringing_in import BroughtIn
from ledger_service.client.errors import ClientError
from ledger_service.client.files import PRIVATE_FILE_MODE, write_atomically
from ledger_service.client.store import Store
from scripts.anvil import ChainFailed
from scripts.city.acts import Act
from scripts.city.authorities import plan_rules
from scripts.city.documents import Report, count_documents, read_folder, synthetic_reports
from scripts.city.exporting import (
    Exported,
    ExportFailed,
    disputing_acts,
    exported_act,
    fetch_package,
    judge_package,
)
from scripts.city.figures import FiguresFailed, MonthlyFigures, Publish
from scripts.city.founding import City, found_city, name_city
from scripts.city.neighbour import (
    bring_in_all,
    found_neighbour,
    name_neighbour,
    plan_reports,
    plan_visits,
    refuse_forgery,
)
from scripts.city.service import HUZHENG, TOKEN, ServiceFailed, ServiceProcess, free_port, is_free, service_settings
from scripts.city.stage import ALREADY, Stage
from scripts.city.story import Case, Storyteller, telling_act, telling_case
from scripts.city.telling import StoryStopped, Teller, Told
from scripts.local_chain import FINALITY_CONFIRMATIONS, MNEMONIC, LocalChain

SEED = "guangdong-2026"
FOUNDED = "city.json"
LEDGER, TRUST, EVIDENCE = "ledger.sqlite", "trust.json", "evidence.zip"
AUDIT_PAGE = "audit.html"
NEIGHBOUR_LEDGER, NEIGHBOUR_TRUST = "neighbour.sqlite", "neighbour-trust.json"


@dataclass(frozen=True)
class Plan:
    """The folder's documents, the reports' stories, and everything that is said, the rules first."""

    documents: Sequence[Report]
    cases: list[Case]
    acts: Sequence[Act]


class RunFailed(Exception):
    """The run cannot go on; one line says why and what to do."""


class CityRun:
    """Everything the run starts, and stops again."""

    def __init__(self, folder: Path, port: int, samples: Path, *, quiet: bool):
        self._folder = folder.resolve()
        if port and not is_free(port):
            raise RunFailed(f"port {port} is taken; give another with --port")
        self._port = port or free_port()
        self._samples = samples
        self._stage = Stage(quiet)
        self._began = time.monotonic()
        self._stack = contextlib.ExitStack()

    def __enter__(self) -> Self:
        self._folder.mkdir(parents=True, exist_ok=True)
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def play(self, statements: int) -> dict[str, Any]:
        """All steps; the figures."""
        try:
            return self._play(statements)
        except (ChainFailed, ServiceFailed, StoryStopped, ClientError, OSError) as error:
            raise RunFailed(f"{error} (logs are in {self._folder})") from error

    def serve(self) -> None:
        """Stay until interrupted."""
        url, rpc = f"http://127.0.0.1:{self._port}", self._chain.url
        huzheng, folder = _from_here(Path(HUZHENG)), _from_here(self._folder)
        believed = f"--trust {folder}/trust.json --rpc {rpc}"
        self._stage.lines(
            f"Serving {url}",
            [
                f"the log's checkpoint  {url}/log/checkpoint",
                f"the API, described    {url}/openapi.json",
                f"the chain's node      {rpc}",
                f"the operator token    {TOKEN}",
            ],
        )
        self._stage.lines(
            "To look for yourself, in another terminal:",
            [
                f"{huzheng} verify {folder}/example.tlog-proof {believed}",
                f"{huzheng} verify {folder}/{EVIDENCE} --trust {folder}/{TRUST}",
                f"{huzheng} audit --database {_database(folder)} {believed} --foreign-trust {folder}/{NEIGHBOUR_TRUST}",
                f"{huzheng} timeline {self._example} --url {url} --token {TOKEN}",
                f"{huzheng} institution list --url {url}",
            ],
        )
        self._stage.console.print("\nCtrl-C ends it; nothing is left running.")
        while True:
            time.sleep(1)
            self._chain.check()

    def _play(self, statements: int) -> dict[str, Any]:
        stage = self._stage
        stage.title()
        with stage.step("start a local chain, one block a second") as note:
            self._chain = self._stack.enter_context(LocalChain(self._folder / "chain"))
            note(f"final after {FINALITY_CONFIRMATIONS} blocks")
        with stage.step("deploy the contracts, admit the city") as note:
            founded = (self._folder / FOUNDED).exists()
            city = self._found()
            note(f"{len(city.institutions)} institutions{f', {ALREADY}' if founded else ' in three tiers'}")
        with stage.step("a neighbouring city, with a log of its own") as note:
            brought = self._tell_neighbour(city)
            note(f"{len(brought)} statements in it")
        with stage.step("start the service"):
            service = self._start_service(city)
        with stage.step("read the documents") as note:
            plan = self._plan(city, statements, brought)
            note(f"{len(plan.documents)} files, {len(plan.acts):,} statements planned")
        trust = self._write_trust(city, TRUST)
        with Store(self._folder / "sender.sqlite") as store, Api(service.url, token=TOKEN) as api:
            refuse = partial(refuse_forgery, city, store, api, trust, next(iter(brought.values())))
            return self._tell(Teller(city, store, api, trust), api, city, trust, plan, refuse)

    def _tell(
        self, teller: Teller, api: Api, city: City, trust: Trust, plan: Plan, refuse_forged: Callable[[], None]
    ) -> dict[str, Any]:
        stage = self._stage
        planned = len(plan.acts)
        with stage.long_step("sign as the hospitals, send over HTTP", planned) as advance:
            told = teller.tell(plan.acts, advance)
        with stage.step("bring a report in by a forged proof") as note:
            refuse_forged()
            note("refused")
        with stage.step("publish the month's figures, count them again") as note:
            same = self._publish_figures(city, lambda act: teller.say(act, told))
            note("the same" if same else "not the same")
        case = telling_case(plan.cases)
        for act in disputing_acts(case, SEED, city.authorities[0]):
            teller.say(act, told)
        size = int(_metric(api, 'huzheng_entries{state="accepted"}'))
        with stage.long_step("have it witnessed, wait until final", size) as advance:
            teller.wait_final(size, advance)
        with stage.long_step("prove, and verify offline", min(1_000, planned)) as advance:
            proved, example = teller.prove(told, trust, SEED, telling_act(case).name, advance)
        (self._folder / "example.tlog-proof").write_bytes(example)
        with stage.step("export a disputed case, judge the file alone") as note:
            exported = self._export(api, city, case, lambda act: teller.say(act, told))
            teller.wait_final(told.last_index + 1)
            note(f"{len(exported.package):,} bytes, {exported.claims['VERIFIED']} of 18 steps verified")
        with stage.step("audit both ledgers against the chain") as note:
            page = ("--report", str(self._folder / AUDIT_PAGE))
            audit = self._audit(LEDGER, TRUST, *page, "--foreign-trust", str(self._folder / NEIGHBOUR_TRUST))
            if audit == "ok":
                audit = self._audit(NEIGHBOUR_LEDGER, NEIGHBOUR_TRUST)
            note("everything derived again: it holds" if audit == "ok" else "it does not hold")
        result = self._figures(api, plan, told, proved, audit) | {
            "statistics_recomputed": same,
            "evidence_claims": exported.claims,
            "evidence_seconds": exported.seconds,
        }
        example = case.subject
        self._example = encode_hex(example)
        stage.summary(result, api.timeline(example), {item.code: item.name for item in city.everybody})
        stage.lines("The audit's report, for any browser:", [str(_from_here(self._folder / AUDIT_PAGE))])
        if audit != "ok":
            raise RunFailed(f"the audit found: {audit}")
        if not same:
            raise RunFailed("the published figures are not those that the log gives; see 'huzheng stats --check'")
        return result

    def _export(self, api: Api, city: City, case: Case, say: Callable[[Act], bytes]) -> Exported:
        """The package in the folder: fetched once, its blocks fixed by the chain's own node, judged each time."""
        file = self._folder / EVIDENCE
        try:
            if not file.exists():
                missing = partial(_metric, api, "huzheng_heads_without_proof")
                write_atomically(file, fetch_package(api, city, case, self._samples, missing))
            package = file.read_bytes()
            exported, judged = judge_package(package, self._write_trust(city, TRUST, blocks_named(package)))
        except ExportFailed as failure:
            raise RunFailed(f"the evidence package does not hold: {failure}") from None
        say(exported_act(case, package, judged))
        return exported

    def _publish_figures(self, city: City, publish: Publish) -> bool:
        try:
            figures = MonthlyFigures(_database(self._folder), _clean_environment())
            return figures.publish(SEED, city.authorities[0], publish)
        except FiguresFailed as failure:
            raise RunFailed(f"the figures could not be counted: {failure}") from None

    def _found(self) -> City:
        """The city of this folder, founded at the first run. Its origin is new every time: origins are not reused."""
        record = self._folder / FOUNDED
        administrator, relay = development_account(0), development_account(1)
        if record.exists():
            known = json.loads(record.read_text("utf-8"))
            deployment = Deployment(
                bytes.fromhex(known["registry"]), bytes.fromhex(known["witness"]), known["block"], known["gas"]
            )
            domain = Domain(known["chain"], deployment.registry, log_id(known["origin"]))
            return name_city(self._chain.url, known["origin"], deployment, domain, SEED, relay)
        origin = f"ledger.example/synthetic-city-{secrets.token_hex(4)}"
        city = found_city(self._chain.url, origin, administrator, SEED, relay_secret=relay)
        known = {
            "origin": origin,
            "chain": city.domain.chain_id,
            "registry": city.deployment.registry.hex(),
            "witness": city.deployment.witness.hex(),
            "block": city.deployment.block_number,
            "gas": city.deployment.gas_used,
        }
        write_atomically(record, _record(known))
        return city

    def _start_service(self, city: City) -> ServiceProcess:
        settings = self._settings(city, self._folder, LEDGER, self._port)
        settings["HUZHENG_FOREIGN_TRUST"] = str(self._folder / NEIGHBOUR_TRUST)
        return self._stack.enter_context(ServiceProcess(settings, self._folder / "service.log"))

    def _settings(self, city: City, folder: Path, ledger: str, port: int) -> dict[str, str]:
        # Made here, so that it is nobody else's to read; what SQLite writes beside it takes the same mode.
        (self._folder / ledger).touch(mode=PRIVATE_FILE_MODE)
        return service_settings(city, folder, _database(self._folder, ledger), FINALITY_CONFIRMATIONS, port)

    def _tell_neighbour(self, city: City) -> dict[str, BroughtIn]:
        """Found the neighbour where it is not there, have its reports in its log, and fetch their proofs. Its service
        ends with this."""
        self._neighbour = neighbour = self._found_neighbour(city)
        settings = self._settings(neighbour, self._folder / "neighbour", NEIGHBOUR_LEDGER, free_port())
        with (
            ServiceProcess(settings, self._folder / "neighbour.log") as service,
            Store(self._folder / "neighbour-sender.sqlite") as store,
            Api(service.url, token=TOKEN) as api,
        ):
            trust = self._write_trust(neighbour, NEIGHBOUR_TRUST)
            teller = Teller(neighbour, store, api, trust)
            told = teller.tell(plan_reports(SEED, neighbour), lambda count: None)
            teller.wait_final(told.last_index + 1)
            return bring_in_all(told, api, trust)

    def _found_neighbour(self, city: City) -> City:
        record = self._folder / FOUNDED
        known, relay = json.loads(record.read_text("utf-8")), development_account(2)
        if "neighbour" in known:
            return name_neighbour(city, known["neighbour"], SEED, relay)
        neighbour = name_neighbour(city, f"{city.origin}-neighbour", SEED, relay)
        found_neighbour(neighbour, development_account(0))
        write_atomically(record, _record(known | {"neighbour": neighbour.origin}))
        return neighbour

    def _plan(self, city: City, statements: int, brought: Mapping[str, BroughtIn]) -> Plan:
        documents = read_folder(self._samples)
        if not documents:
            raise RunFailed(f"{self._samples} holds no documents; name another folder in HUZHENG_SAMPLES")
        # Reports and their acts are named after what was read, so that another folder tells another story.
        digest = sha256(b"".join(report.document.sha256 for report in documents)).hexdigest()[:12]

        def reports():
            yield from documents
            yield from synthetic_reports(SEED)

        seed = f"{SEED}/{digest}"
        centre = city.authorities[1]
        rules = plan_rules(SEED, city.authorities, city.institutions, date.today())
        rules += plan_visits(SEED, city, self._neighbour, brought, date.today())
        cases = Storyteller(seed, city.institutions, centre, reports()).cases(statements - len(rules))
        return Plan(documents, cases, [*rules, *(act for case in cases for act in case.acts)])

    def _write_trust(self, city: City, name: str, fixed_blocks: Sequence[int] = ()) -> Trust:
        """What a verifier believes, read from the chain once the admissions are final."""
        chain = EthereumChain(self._chain.url, city.deployment.registry, city.deployment.witness)
        trust = city.trust(chain, Finality(FINALITY_CONFIRMATIONS), fixed_blocks)
        (self._folder / name).write_bytes(format_trust(trust))
        return trust

    def _audit(self, ledger: str, trust: str, *more: str) -> str:
        command = [HUZHENG, "audit", "--json", *more]
        command += ["--database", _database(self._folder, ledger)]
        command += ["--trust", str(self._folder / trust), "--rpc", self._chain.url]
        done = subprocess.run(command, capture_output=True, text=True, check=False, env=_clean_environment())
        if done.returncode == 0:
            return "ok"
        return (done.stderr.strip() or done.stdout.strip())[-2_000:] or f"exit status {done.returncode}"

    def _figures(self, api: Api, plan: Plan, told: Told, proved: int, audit: str) -> dict[str, Any]:
        witnessed = int(_metric(api, 'huzheng_entries{state="witnessed"}'))
        kinds = Counter(act.kind for act in plan.acts) + Counter(
            {"statistics.published": 1, "dispute.opened": 1, "hold.placed": 1, "evidence.exported": 1}
        )
        gas = int(_metric(api, "huzheng_witness_gas_total"))
        return {
            "statements": len(told.statements),
            "accepted": int(_metric(api, 'huzheng_entries{state="accepted"}')),
            "witnessed": witnessed,
            "final": int(_metric(api, 'huzheng_entries{state="final"}')),
            "checkpoints": _count_checkpoints(api),
            "gas_total": gas,
            "gas_per_statement": round(gas / witnessed, 1) if witnessed else 0,
            "proofs_verified": proved,
            "documents": count_documents(plan.documents),
            "kinds": dict(sorted(kinds.items())),
            "recognitions": kinds["recognition.accepted"],
            "refusals": kinds["recognition.declined"],
            "repeats": kinds["repeat.ordered"],
            "audit": audit,
            "seconds": round(time.monotonic() - self._began, 1),
        }

    def before_json(self) -> None:
        """Say to people that the line which follows is for programs."""
        self._stage.before_json()


def _from_here(path: Path) -> Path:
    """A path as one would type it where the run was started."""
    here = Path.cwd()
    return path.relative_to(here) if path.is_relative_to(here) else path


def _database(folder: Path, ledger: str = LEDGER) -> str:
    return f"sqlite:///{folder / ledger}"


def _record(known: Mapping[str, Any]) -> bytes:
    """What is kept about a founded city."""
    return f"{json.dumps(known, indent=2)}\n".encode()


def development_account(number: int) -> bytes:
    """The secret of one of the local chain's development accounts."""
    Account.enable_unaudited_hdwallet_features()
    return bytes(Account.from_mnemonic(MNEMONIC, account_path=f"m/44'/60'/0'/0/{number}").key)


def _clean_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith("HUZHENG_")}


def _metric(api: Api, name: str) -> float:
    found = re.search(rf"^{re.escape(name)} (\S+)$", api.metrics(), re.MULTILINE)
    if not found:
        raise StoryStopped(f"the service gives no metric {name}")
    return float(found[1])


def _count_checkpoints(api: Api) -> int:
    count, before = 0, None
    while page := api.checkpoints(limit=1_000, before=before):
        count, before = count + len(page), page[-1]["size"]
    return count
