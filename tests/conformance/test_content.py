"""Topics `canonical`, `part` and `content`."""

from anchors import Content, Part
from anchors.core import canonical
from tests.conformance.test_hostile_depth import HOSTILE_DEPTH
from tests.conformance.vectors import Vector, hexes, of_topic

PART_LIMIT_BYTES = 65_536


@of_topic("canonical", without=HOSTILE_DEPTH)
def test_canonical(vector: Vector) -> None:
    def attempt() -> dict:
        if "bytes" not in vector.input:
            return {"value": canonical.encode(vector.input["value"]).decode()}
        data = bytes.fromhex(vector.input["bytes"])
        value = canonical.decode(data, PART_LIMIT_BYTES)
        assert canonical.encode(value) == data
        return {"value": value}

    vector.check(attempt)


@of_topic("part")
def test_part(vector: Vector) -> None:
    def attempt() -> dict:
        part = Part.read(vector.input["text"].encode("utf-8", "surrogatepass"))
        salt = canonical.decode(part.text, PART_LIMIT_BYTES)["salt"]
        assert Part.create(part.name, part.value, bytes.fromhex(salt)) == part
        return {"name": part.name, "salt": salt, "value": part.value, "leaf": part.leaf.hex()}

    vector.check(attempt)


@of_topic("content")
def test_content(vector: Vector) -> None:
    def attempt() -> dict:
        content = Content.from_wire(vector.input["parts"])
        assert content.to_wire() == vector.input["parts"]
        assert Content.from_wire(content.to_wire(shown=False)).hash == content.hash
        return {"leaves": hexes(part.leaf for part in content.parts), "content": content.hash.hex()}

    vector.check(attempt)
