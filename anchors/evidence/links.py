"""Where the statements of a package lead (docs/spec/evidence.md, completeness.json)."""

import re

from anchors.core.content import Content, Part

_ID = re.compile(r"0x[0-9a-f]{64}")


def linked_ids(content: Content) -> list[str]:
    """The ids to which the shown part `links` leads within the log. What in it is no such link is for step 12."""
    shown = [part for part in content.parts if isinstance(part, Part) and part.name == "links"]
    # Read from the text: whoever holds a part may hold its value in another form than JSON's.
    arrays = [value for part in shown if isinstance(value := Part.read(part.text).value, list)]
    links = [link for array in arrays for link in array if isinstance(link, dict) and "origin" not in link]
    return [id for link in links if isinstance(id := link.get("statement"), str) and _ID.fullmatch(id)]
