"""The limits of what a source file may hold."""

DEEPEST = 64
"""Brackets, braces and types nest at most so deep (E0107); a template's count on their own."""

MOST_FINDINGS = 10_000
"""Beyond these the findings of one file are not kept; a person is shown 50."""

LARGEST_INTEGER = 2**63 - 1

LARGEST_QUANTITY = 2**53
"""Milliseconds and bytes up to here are exact in every reader of a plan."""
