"""How slow a client may be, in numbers: a body against its average, a response against what is left of it."""

import pytest

from aimux.edge.patience import LINGER, Discarded, Unsent, body_deadline


@pytest.mark.parametrize(
    ("received", "now", "deadline"),
    [(0, 100.0, 130.0), (0, 110.0, 130.0), (512, 110.0, 131.0), (5120, 110.0, 140.0), (1_000_000, 110.0, 140.0)],
)
def test_a_body_has_its_timeout_and_a_second_more_for_each_512_bytes(
    received: int, now: float, deadline: float
) -> None:
    assert body_deadline(100.0, received, now, 30.0) == deadline


def test_who_reads_nothing_is_out_of_time_after_the_timeout() -> None:
    unsent = Unsent(80.0)
    assert unsent.watch(1000.0) == 10.0
    looks = [unsent.look(5000, 1000.0 + 10.0 * n) for n in range(1, 9)]
    assert looks == [10.0] * 7 + [0.0]


def test_who_reads_has_a_second_more_for_each_1024_bytes_since_the_first_look() -> None:
    unsent = Unsent(80.0)
    unsent.watch(1000.0)
    # What is gone by the first look, the kernel has taken.
    assert unsent.look(5000, 1010.0) == 10.0
    assert unsent.look(5000 - 2048, 1077.0) == 5.0
    assert unsent.look(5000 - 2048, 1082.5) == -0.5


def test_who_keeps_up_again_begins_anew() -> None:
    unsent = Unsent(80.0)
    unsent.watch(1000.0)
    unsent.look(5000, 1070.0)
    unsent.forget()
    assert unsent.look(9000, 2000.0) == 10.0
    assert unsent.look(9000, 2075.0) == 5.0


def test_an_unwanted_body_may_take_as_long_as_a_wanted_one() -> None:
    discarded = Discarded(100.0, 30.0, 5120)
    assert discarded.deadline(100.0) == 130.0
    discarded.size = 512
    assert discarded.deadline(110.0) == 131.0
    discarded.size = 5120
    assert discarded.deadline(105.0) == 135.0


def test_an_unwanted_body_over_the_limit_has_no_longer_than_any_client_at_its_end() -> None:
    discarded = Discarded(100.0, 30.0, 5120)
    discarded.size = 5121
    assert discarded.deadline(101.0) == discarded.deadline(120.0) == 100.0 + LINGER


def test_a_short_timeout_of_bodies_takes_nothing_from_a_clients_time_to_close() -> None:
    assert Discarded(100.0, 0.1, 5120).deadline(100.0) == 100.0 + LINGER
