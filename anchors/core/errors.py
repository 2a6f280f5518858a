"""The errors of the library. Every message says, in one line, what is wrong and what to do."""


class Error(Exception):
    """Root of all errors raised on purpose by `anchors`."""


class MalformedInput(Error):
    """Input that no reader may accept: a wrong length, type, range or encoding. It says nothing about truth."""


class VerificationFailed(Error):
    """Well-formed input that does not verify: a proof, signature or hash that does not lead where it should."""
