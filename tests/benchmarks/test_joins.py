from benchmarks.generate import Click, Dataset, Purchase, Shape, generate, page_path, user_id
from benchmarks.joins import Enriched, compare, expected_joins, merged_share

T = 1_735_689_600_000


def data_of(clicks: list[Click], purchases: list[Purchase]) -> Dataset:
    return Dataset(Shape(), clicks, purchases, homes=[0, 0])


def pages_at(clicks: list[Click], at: int) -> list[str]:
    ((pages,),) = expected_joins(data_of(clicks, [Purchase(0, 1, 100, at)])).values()
    return pages


def test_the_window_holds_both_of_its_ends() -> None:
    clicks = [
        Click(0, 1, T - 1),
        Click(0, 2, T),
        Click(0, 3, T + 600_000),
        Click(0, 4, T + 600_001),
    ]
    assert pages_at(clicks, T + 600_000) == [page_path(2), page_path(3)]


def test_pages_are_in_order_of_time_then_offset() -> None:
    clicks = [Click(0, 3, T + 5), Click(0, 1, T), Click(0, 2, T)]
    assert pages_at(clicks, T + 10) == [page_path(1), page_path(2), page_path(3)]


def test_only_the_newest_fifty_and_only_the_users_own() -> None:
    clicks = [Click(0, page, T + page) for page in range(60)] + [Click(1, 99, T)]
    assert pages_at(clicks, T + 100) == [page_path(page) for page in range(10, 60)]


def output(pages: list[str], product: str = "product-1", amount: float = 1.0) -> Enriched:
    return Enriched(user_id(0), product, amount, pages)


def test_right_wrong_missing_and_extra_are_told_apart() -> None:
    purchases = [Purchase(0, product, 100, T) for product in (1, 2, 3)]
    expected = expected_joins(data_of([Click(0, 7, T)], purchases))
    right = output([page_path(7)])
    verdict = compare(expected, [right, right, output([], "product-2"), output([], amount=2.0)])
    assert (verdict.right, verdict.wrong, verdict.missing, verdict.extra) == (1, 1, 1, 2)
    assert verdict.share == 1 / 3


def test_equal_purchases_are_matched_in_their_order() -> None:
    purchases = [Purchase(0, 1, 100, T), Purchase(0, 1, 100, T + 5)]
    expected = expected_joins(data_of([Click(0, 7, T + 3)], purchases))
    assert compare(expected, [output([]), output([page_path(7)])]).right == 2
    assert compare(expected, [output([page_path(7)]), output([])]).right == 0


def test_a_wait_as_long_as_the_disorder_joins_all() -> None:
    data = generate(Shape(clicks=20_000, purchases=4_000, users=20))
    assert merged_share(data, 3_000) == 1.0
    assert merged_share(data, 0) < merged_share(data, 1_000) < 1.0


def test_a_click_that_arrives_after_the_wait_is_missed() -> None:
    late = Click(0, 1, T)
    data = data_of([Click(0, 9, T + 1_501), late], [Purchase(0, 1, 100, T + 500)])
    assert merged_share(data, 1_000) == 0.0
    assert merged_share(data, 1_001) == 1.0
