"""Long lists in answers: as the model would write them, and with its members only."""

import json

import pytest

from models.answers import ClickItem, RecentClicks
from models.encoding import encode, encode_items, encode_long

ITEMS = [{"page": f"/ü{n}", "timestamp": "2016-08-22T00:00:00.000Z"} for n in range(5)]


@pytest.mark.parametrize("cut", [0, 2, 5])
def test_a_long_list_is_written_as_a_short_one(cut: int) -> None:
    def answer(clicks: list[ClickItem]) -> RecentClicks:
        return RecentClicks(user_id="u", partition=0, as_of=None, offsets={"c": 1}, clicks=clicks)

    parts = [encode_items(ClickItem, some) for some in (ITEMS[:cut], ITEMS[cut:]) if some]
    whole = encode_long(answer([]), "clicks", parts)
    assert whole == encode(answer([ClickItem(**item) for item in ITEMS]))
    assert json.loads(encode_long(answer([]), "clicks", []))["clicks"] == []


@pytest.mark.parametrize("item", [{"page": "/"}, {**ITEMS[0], "offset": "1"}])
def test_items_with_other_members_are_refused(item: dict[str, str]) -> None:
    with pytest.raises(ValueError, match="ClickItem has other members"):
        encode_items(ClickItem, [item])
