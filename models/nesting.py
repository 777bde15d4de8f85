"""How deep JSON is nested, found by searches that run in C.

A level that many arrays or objects end at takes a few searches. What is as deep as it may be all
over takes some 40 ns a bracket.
"""

from itertools import accumulate

_KEPT = b'[]{}"'
_OTHERS = bytes(set(range(256)) - set(_KEPT))
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_AT_ONCE = 4096
_STEPS = bytes.maketrans(b"[]", b"\x01\xff")


def deeper_than(levels: int, value: bytes) -> bool:
    """Whether arrays and objects lie in each other more than so many levels deep.

    `value`: JSON. Of anything else the answer is of no use.
    """
    brackets = value.translate(_ONE_KIND, _OTHERS)
    if brackets.count(b"[") <= levels:
        return False
    if b"\\" in value:  # Escaped quotes end no string.
        value = value.replace(b"\\\\", b"").replace(b'\\"', b"")
        brackets = value.translate(_ONE_KIND, _OTHERS)
    brackets = _outside_strings(brackets)
    gone = 0
    while len(brackets) > 2 * levels:
        before = len(brackets)
        brackets = brackets.replace(b"[]", b"")  # The innermost level of each place.
        gone += 1
        if before - len(brackets) < before // 8:
            break  # Few end at this level: step by step is quicker.
    return _highest(brackets, levels - gone) > levels - gone


def _highest(brackets: bytes, enough: int) -> int:
    """Give how many brackets are open at once at most, or something above `enough`."""
    if b"[" * (max(enough, 0) + 1) in brackets:
        return enough + 1
    highest = now = 0
    for at in range(0, len(brackets), _AT_ONCE):
        steps = memoryview(brackets[at : at + _AT_ONCE].translate(_STEPS)).cast("b")
        *_, now = found = list(accumulate(steps, initial=now))
        highest = max(highest, *found)
        if highest > enough:
            break
    return highest


def _outside_strings(brackets: bytes) -> bytes:
    """Drop quotes, and the brackets between them."""
    quotes = brackets.count(b'"')
    if 2 * brackets.count(b'""') < quotes:  # Some string holds brackets.
        return b"".join(brackets.replace(b'""', b"").split(b'"')[::2])
    return brackets.translate(None, b'"')
