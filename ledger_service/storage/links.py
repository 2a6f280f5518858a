"""The column `links`: positions by rel, as JSON in one form."""

import msgspec

_links = msgspec.json.Decoder(dict[str, int])
_encoder = msgspec.json.Encoder(order="sorted")
_NO_LINKS = "{}"


def encode_links(links: dict[str, int]) -> str:
    """Positions by rel, as they stand in the column `links`."""
    return _encoder.encode(links).decode() if links else _NO_LINKS


def decode_links(text: str) -> dict[str, int]:
    """Positions by rel. Raises `msgspec.MsgspecError` for what this service never wrote."""
    return {} if text == _NO_LINKS else _links.decode(text)
