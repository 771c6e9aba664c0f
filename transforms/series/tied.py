"""Where in time the identities between series say something: the stretches that must be solved together.

In: series definitions, declared parts, and the interval rows of each series. Out: components of series, and in each
the smallest blocks (method.md 4.7) in which at least two series with reports restrict each other. Whatever is in no
block is left to the estimator of single series, whose answer the identities could not change there.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

import pandas as pd

from crossings.schema.tables import SERIES_KEY
from transforms.estimator.constraints import Constraints
from transforms.estimator.coupled_blocks import Block, Link, cut
from transforms.series.identities import Component, find_links
from transforms.series.parts import default_parts, together

_SUMS = ("net", "both", "sum")  # identities whose first term may be any sum of the others


def components(series: pd.DataFrame, part_of: pd.DataFrame | None) -> list[Component]:
    """Groups of tied series whose civil days start at the same instants.

    series : definitions of the series with reports. part_of : declared parts (`parts.COLUMNS`), beside the default that
    every district and checkpoint is part of its country. A second definition of one key (another epoch) is not tied.
    """
    if not len(series) or not set(SERIES_KEY) <= set(series.columns):
        return []
    usable = series.drop_duplicates("series").sort_values("series")
    usable = usable[~usable.duplicated(list(SERIES_KEY), keep="first")]
    boundary = usable["day_boundary"] if "day_boundary" in usable else pd.Series("00:00", index=usable.index)
    parts = default_parts(usable)
    parts = parts if part_of is None else together(parts, part_of)
    found = []
    for _, alike in usable.groupby([usable["country"], usable["timezone"], boundary.fillna("00:00")], sort=True):
        found += [_plain(component) for component in find_links(alike, parts)]
    return sorted(found, key=lambda c: c.members[0].series)


def _plain(component: Component) -> Component:
    """Without the rest of a whole where the part lies in another part of that whole: it follows from the two."""
    rests = {(k.terms[1][0], k.terms[2][0]): k for k in component.links if k.kind == "rest"}
    middle = {whole for whole, _ in rests} & {part for _, part in rests}
    gone = {
        link for (whole, part), link in rests.items() if any((whole, m) in rests and (m, part) in rests for m in middle)
    }
    unused = {link.terms[0][0] for link in gone}
    return Component(
        tuple(m for m in component.members if m.series not in unused),
        tuple(link for link in component.links if link not in gone),
    )


def stretches(links: Sequence[Link], rows: Mapping[str, Constraints], nonnegative: Mapping[str, bool]) -> list[Block]:
    """The blocks to solve together, in order of time.

    rows : interval rows of every member, none for a derived one; a block holds the members that matter in it.
    """
    _, blocks = cut(rows, nonnegative, links)
    found: list[Block] = []
    for block in blocks:
        for group in groups(_telling(block)):
            inner = {s for link in group for s, _ in link.terms}
            # A sum or difference of members that restrict each other is tighter than that of their bounds.
            group += [k for k in block.links if k not in group and k.kind in _SUMS and inner.issuperset(_terms(k)[1:])]
            names = sorted({s for link in group for s, _ in link.terms})
            if len(names) == len(block.members) and len(group) == len(block.links):
                found.append(block)
                continue
            inside = {name: _inside(rows[name], block) for name in names}
            found += stretches(group, inside, {name: nonnegative[name] for name in names})
    return sorted(found, key=lambda b: (b.start, b.members))


def _inside(c: Constraints, block: Block) -> Constraints:
    return c.take((c.start >= block.start) & (c.end <= block.end))


def _telling(block: Block) -> list[Link]:
    """The identities that restrict series with reports in the block; those that only define another series drop out."""
    reported = {block.members[m] for m in block.reported}
    links = list(block.links)
    while True:
        uses = Counter(s for link in links for s, _ in link.terms)
        kept = [link for link in links if _restricts(link, reported, uses)]
        if len(kept) == len(links):
            return kept
        links = kept


def _restricts(link: Link, reported: set[str], uses: Counter[str]) -> bool:
    names = _terms(link)
    if link.identical_windows:
        return reported.issuperset(names)
    free = [s for s in names if s not in reported and uses[s] == 1]
    return len(names) - len(free) >= 2 and not (link.kind in _SUMS and free == names[:1])


def _terms(link: Link) -> list[str]:
    return [series for series, _ in link.terms]


def groups(links: Sequence[Link]) -> list[list[Link]]:
    """Links that share a series, together."""
    found: list[tuple[set[str], list[Link]]] = []
    for link in links:
        names, mine = {s for s, _ in link.terms}, [link]
        apart = []
        for others, theirs in found:
            if others & names:
                names, mine = names | others, theirs + mine
            else:
                apart.append((others, theirs))
        found = [*apart, (names, mine)]
    return [mine for _, mine in found]
