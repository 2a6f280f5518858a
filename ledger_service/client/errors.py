"""What can go wrong on the sender's side. Every message says, in one line, what is wrong and what to do."""

from anchors.core.errors import Error


class ClientError(Error):
    """Root of the errors of the sender's side."""


class WrongInput(ClientError):
    """Something that a person or a program gave cannot be used: a file, a passphrase, an option."""


class ServiceUnavailable(ClientError):
    """The service gave no usable answer. Whether it did what was asked is not known: ask again later."""


class ServiceProblem(ClientError):
    """The service answered with an RFC 9457 problem (docs/spec/api.md, Problems)."""

    def __init__(self, code: str, status: int, detail: str, *, retry: bool = False):
        super().__init__(f"the service answered {code}: {detail}")
        self.code = code
        self.status = status
        self.detail = detail
        self.retry = retry


class BrokenAnswer(ClientError):
    """An answer that does not hold: a receipt or refusal that is not the operator's, or is about something else."""


class StreamBlocked(ClientError):
    """A refused statement stands before the others of its key: mend it first."""
