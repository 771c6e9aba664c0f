"""How near smoothest paths came to days that were counted: experience in words, never a band with a level.

Measured on 24 and 25 November 2026 on the daily passengers of Hong Kong (Immigration Department), 46,925 days that paths
were not told, by the length of the finest total they were told: the share of the level of the week within which 8 of 10
days lay. 2020 was a collapse, 2021 to 2024 were calm; the next crisis may be worse than either (docs/method.md 3.4).
"""

from __future__ import annotations

_WITHIN = (
    (2, 4, 27, 19),
    (5, 9, 35, 25),
    (10, 20, 42, 27),
    (21, 45, 72, 30),
)  # days from, to; per cent 2020, 2021-2024


def said(known_over: int | None) -> str:
    """One sentence on days known over so many days; empty where there is none to tell.

    >>> said(7)
    'elsewhere, 8 of 10 days known by totals of 5 to 9 days lay within 25 % of such a path in calm times, 35 % in a collapse'
    """
    for first, last, collapse, calm in _WITHIN:
        if known_over is not None and first <= known_over <= last:
            return (
                f"elsewhere, 8 of 10 days known by totals of {first} to {last} days lay within {calm} % of such a path in"
                f" calm times, {collapse} % in a collapse"
            )
    return ""
