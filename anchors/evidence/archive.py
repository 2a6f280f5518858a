"""The archive: a ZIP file whose every byte follows from its members (docs/spec/evidence.md, The archive)."""

import re
import struct
import zipfile
from collections.abc import Mapping
from io import BytesIO

from anchors.core.errors import MalformedInput, VerificationFailed

MAX_ARCHIVE_BYTES = 512 * 2**20
MAX_MEMBERS = 20_000
MAX_PATH = 120

_NAME = r"[a-z0-9][a-z0-9._-]*"
_PATH = re.compile(rf"(?:{_NAME}/)?{_NAME}")
_END = struct.Struct("<4s4H2LH")
"""The end of a ZIP file without comment; its sixth field is the size of the list of members."""
_END_BEGINS, _ZIP64_BEGINS = b"PK\x05\x06", b"PK\x06\x07"
_DIRECTORY_ENTRY_BYTES = 46
_NEVER = (1980, 1, 1, 0, 0, 0)
_OWNER_READS_AND_WRITES = 0o600 << 16
_UNREADABLE = (zipfile.BadZipFile, NotImplementedError, RuntimeError, EOFError, ValueError, struct.error, OverflowError)
"""What `zipfile` raises for bytes that are no ZIP file that it knows."""


def write_archive(members: Mapping[str, bytes]) -> bytes:
    """The archive of these members, by path. Raises `MalformedInput` for a path or a size that is not allowed."""
    _check_bounds(len(members), sum(map(len, members.values())))
    archive = BytesIO()
    with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED) as file:
        for path in sorted(members):
            file.writestr(_head(_check_path(path)), members[path])
    return archive.getvalue()


def read_archive(data: bytes) -> dict[str, bytes]:
    """The members by path, in the archive's order.

    Nothing is taken out before the sum of what the members say of their sizes is within the file's own: nothing
    expands. Raises `MalformedInput` where this is no such archive, `VerificationFailed` where it is not the one that
    its members make.
    """
    if len(data) > MAX_ARCHIVE_BYTES:
        raise MalformedInput(f"archive: {len(data)} bytes, at most {MAX_ARCHIVE_BYTES} are accepted")
    _check_directory(data)
    try:
        with zipfile.ZipFile(BytesIO(data)) as file:
            heads = file.infolist()
            _check_heads(heads, len(data))
            members = {head.filename: file.read(head) for head in heads}
    except _UNREADABLE as error:
        raise MalformedInput(
            f"archive: {str(error)[:120] or type(error).__name__}; this is no evidence package"
        ) from None
    rebuilt = write_archive(members)
    if rebuilt != data:
        raise VerificationFailed(f"archive: byte {_first_difference(rebuilt, data)} does not follow from its members")
    return members


def _check_directory(data: bytes) -> None:
    """Refuse a list of members that is larger than any archive's before something is made of it."""
    end = data[-_END.size :]
    if len(end) < _END.size or not end.startswith(_END_BEGINS) or data[-_END.size - 20 :].startswith(_ZIP64_BEGINS):
        raise MalformedInput("archive: its end does not follow from its members; this is no evidence package")
    size = _END.unpack(end)[5]
    if size > MAX_MEMBERS * (_DIRECTORY_ENTRY_BYTES + MAX_PATH):
        raise MalformedInput(f"archive: a list of members of {size} bytes, at most {MAX_MEMBERS} members are accepted")


def _check_heads(heads: list[zipfile.ZipInfo], size: int) -> None:
    _check_bounds(len(heads), sum(head.file_size for head in heads))
    if sum(head.file_size for head in heads) > size:
        raise MalformedInput("archive: its members say that they are larger than it is")
    seen: set[str] = set()
    for head in heads:
        _check_path(head.filename)
        if head.filename in seen:
            raise MalformedInput(f"archive: two members are named {head.filename}")
        seen.add(head.filename)
        if head.compress_type != zipfile.ZIP_STORED or head.file_size != head.compress_size or head.flag_bits:
            raise MalformedInput(f"archive: {head.filename} is compressed or encrypted; members are stored as they are")


def _check_bounds(count: int, size: int) -> None:
    if count > MAX_MEMBERS:
        raise MalformedInput(f"archive: {count} members, at most {MAX_MEMBERS} are accepted")
    if size > MAX_ARCHIVE_BYTES:
        raise MalformedInput(f"archive: members of {size} bytes, at most {MAX_ARCHIVE_BYTES} are accepted")


def _check_path(path: str) -> str:
    if len(path) > MAX_PATH or not _PATH.fullmatch(path):
        raise MalformedInput(f"archive: {path[:MAX_PATH]!r} is no path of a member: a name, or one folder and a name")
    return path


def _head(path: str) -> zipfile.ZipInfo:
    head = zipfile.ZipInfo(path, _NEVER)
    head.create_system = 0
    head.external_attr = _OWNER_READS_AND_WRITES
    return head


def _first_difference(left: bytes, right: bytes) -> int:
    shared = min(len(left), len(right))
    low, high = 0, shared
    while low < high:  # how far both are equal, by halves: a byte at a time would take minutes
        middle = (low + high + 1) // 2
        if left[low:middle] == right[low:middle]:
            low = middle
        else:
            high = middle - 1
    return low
