"""Sums of millionths as rows store them: they may pass 64 bits (9,300 amounts of a billion do)."""

_LEAST, _MOST = -(2**63), 2**63 - 1

Stored = int | str
"""A number of up to 64 bits, or the digits of a larger one."""


def stored(number: int) -> Stored:
    """Give a sum as it lies in a row."""
    return number if _LEAST <= number <= _MOST else str(number)


def all_stored(numbers: list[int]) -> list[Stored]:
    """Give sums as they lie in a row."""
    if not numbers or (max(numbers) <= _MOST and min(numbers) >= _LEAST):
        return list(numbers)
    return [stored(number) for number in numbers]
