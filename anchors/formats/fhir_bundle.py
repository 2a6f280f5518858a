"""The resources of one FHIR JSON document, and which of them a report refers to.

A DiagnosticReport holds no results; it points to Observations. Its bytes alone therefore say little, and what is hashed
beside the raw bytes is the *closure*: every resource that can be reached from the reports, as a manifest.
"""

import hashlib
from collections.abc import Iterator
from typing import Any

from anchors.formats.document import Digest, Unreadable
from anchors.formats.json_text import canonical_text

CLOSURE_METHOD = "fhir-json-closure-v1"

Resource = dict[str, Any]


class Resources:
    """The resources of a Bundle, or a single one, by the names under which references find them."""

    def __init__(self, document: Resource) -> None:
        self.all: list[tuple[str, Resource]] = []
        self._by_name: dict[str, Resource] = {}
        if document.get("resourceType") != "Bundle":
            self._add("", document)
            return
        for entry in objects(document.get("entry")):
            resource = entry.get("resource")
            if isinstance(resource, dict):
                self._add(string(entry.get("fullUrl")), resource)

    def _add(self, full_url: str, resource: Resource) -> None:
        short = f"{string(resource.get('resourceType'))}/{string(resource.get('id'))}"
        name = full_url or short
        self.all.append((name, resource))
        for key in {name, short} if resource.get("id") else {name}:
            known = self._by_name.setdefault(key, resource)
            if known is not resource and known != resource:
                raise Unreadable("two different resources go by one name, so a reference to it has no one meaning")

    def of_type(self, resource_type: str) -> list[Resource]:
        return [resource for _, resource in self.all if resource.get("resourceType") == resource_type]

    def find(self, reference: object, within: Resource) -> Resource | None:
        """The resource that `{"reference": …}` means; `within` is where it stands, for `#contained` ones."""
        target = string(reference.get("reference")) if isinstance(reference, dict) else ""
        if target.startswith("#"):
            return next((r for r in objects(within.get("contained")) if r.get("id") == target[1:]), None)
        target = target.partition("/_history/")[0]
        return self._by_name.get(target) if target else None

    def closure(self, roots: list[Resource]) -> tuple[list[Resource], list[str]]:
        """Every resource reachable from the roots, roots first, and the references that lead nowhere, sorted."""
        reached, missing = list(roots), set()
        seen = {id(root) for root in roots}
        for resource in reached:
            for reference in _references(resource):
                target = string(reference.get("reference"))
                if target.startswith("#"):
                    continue  # contained resources are part of the one that contains them
                found = self.find(reference, resource)
                if found is None:
                    missing.add(target)
                elif id(found) not in seen:
                    seen.add(id(found))
                    reached.append(found)
        return reached, sorted(missing)

    def closure_digest(self, reached: list[Resource], missing: list[str]) -> Digest:
        """SHA-256 of the closure's manifest; what it leaves out is the Bundle around it and the order of entries."""
        names = {id(resource): name for name, resource in self.all}
        lines = [f"{_sha256_hex(resource)} {canonical_text(names[id(resource)])}\n" for resource in reached]
        lines += [f"missing {canonical_text(target)}\n" for target in missing]
        manifest = CLOSURE_METHOD + "\n" + "".join(sorted(lines))
        return Digest(CLOSURE_METHOD, hashlib.sha256(manifest.encode("utf-8")).digest())


def objects(value: object) -> list[Resource]:
    """The objects of an array; anything else holds none."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def string(value: object) -> str:
    """A string, or the empty one for anything else."""
    return value if isinstance(value, str) else ""


def _references(resource: Resource) -> Iterator[Resource]:
    pending: list[Any] = [resource]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            if isinstance(value.get("reference"), str):
                yield value
            pending.extend(value.values())
        elif isinstance(value, list):
            pending.extend(value)


def _sha256_hex(resource: Resource) -> str:
    return hashlib.sha256(canonical_text(resource).encode("utf-8")).hexdigest()
