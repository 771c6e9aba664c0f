"""The addresses of a source as questions: one by its role, or the one whose link stands on a page.

In: a source, and the page where a link is sought. Out: `Question`s of a protocol that asks a single address, and the
newest link that fits a template. Nothing here asks anybody.
"""

from __future__ import annotations

import re

from crossings.errors import CrossingsError, FetchFailed
from crossings.source.model import Address, SourceSpec
from transforms.parse.contract import Question, Questions, Span


def address_of(spec: SourceSpec, *roles: str) -> Address:
    """The address of the first of the roles that the source states; CrossingsError where it states none of them."""
    for role in roles:
        for address in spec.addresses:
            if address.role == role:
                return address
    raise CrossingsError(
        f"{spec.id} states no address for {roles[-1]}", f"add one with role {' or '.join(reversed(roles))} to its YAML"
    )


def ask_one(spec: SourceSpec, back: Span | None = None) -> Questions:  # noqa: ARG001
    """Ask for the one file or table of a source, after the page that links to it where its address has `{parts}`.

    Such a source answers with its whole history, so that a look back asks the same. Raises CrossingsError for a source
    without the address it needs and FetchFailed for a page that links to nothing like it.
    """
    address = address_of(spec, "file", "data")
    if "{" in address.url:
        pages = [a for a in spec.addresses if a.role == "page"]
        if not pages:
            raise CrossingsError(f"{spec.id}: {address.url} has parts to fill in", "state the page that links to it")
        page = yield Question("page", pages[0])
        address = address.model_copy(update={"url": newest_link(spec.id, address.url, page, pages[0].url)})
    yield Question(address.role, address)


def newest_link(source: str, template: str, html: bytes, page: str) -> str:
    """The newest address on a page that fits a template; its filled parts sort by number.

    Parameters
    ----------
    source, page : the source and the page's address, for the message.
    template : an https address with `{parts}` in its path.

    Raises FetchFailed where nothing on the page fits.
    """
    scheme, _, rest = re.split(r"[?#]", template, maxsplit=1)[0].partition("://")
    host, slash, below = rest.partition("/")
    path = slash + below
    pattern = "".join(
        r"[^\"'<>\s/]+" if piece.startswith("{") else re.escape(piece) for piece in re.split(r"(\{\w+\})", path)
    )
    found = sorted(set(re.findall(pattern, html.decode("utf-8", errors="replace"))), key=_by_number)
    if not found:
        raise FetchFailed(
            f"{source}: {page} links to nothing like {path}", "look at the page; correct the address in the YAML"
        )
    return f"{scheme}://{host}{found[-1]}"


def _by_number(text: str) -> list[tuple[int, str]]:
    """A sorting key under which 9 comes before 10."""
    return [(int(piece), "") if piece.isdecimal() else (-1, piece) for piece in re.split(r"(\d+)", text)]
