"""One error family: what went wrong, and what the reader can do about it.

Every fault that is not a bug of ours is raised as `CrossingsError`; the command line prints it as one line.
"""


class CrossingsError(Exception):
    """A fault with a remedy.

    Parameters
    ----------
    message : what is wrong, naming the file, row, report or setting concerned.
    remedy : what to do about it, as an imperative sentence.

    >>> print(CrossingsError("there is no release yet", "run `crossings run`"))
    there is no release yet — run `crossings run`
    """

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy

    def __str__(self) -> str:
        return f"{self.message} — {self.remedy}"


class UnreadableInput(CrossingsError):
    """A payload or file that cannot be read as what it claims to be (torn, wrong encoding, other layout)."""


class StorageFault(CrossingsError):
    """What lies in the lake is damaged, or cannot be read or written; nothing that was in it before is lost."""


class DecisionNotApplicable(CrossingsError):
    """A curator's decision whose guard does not hold, or that concerns a report that is not there."""


class ReleaseStopped(CrossingsError):
    """A release gate failed; `current` still points to the release before."""


class NotComparable(CrossingsError):
    """An attempt to add or join figures of different series."""


class NothingReported(CrossingsError):
    """A period of which no report and no official figure of the series speaks."""


class FetchFailed(CrossingsError):
    """A look at a publisher that brought no payload; `status` is the HTTP status where one was received."""

    def __init__(self, message: str, remedy: str, status: int | None = None) -> None:
        super().__init__(message, remedy)
        self.status = status
