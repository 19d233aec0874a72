"""Reading what wrk says."""

import pytest

from bench import BenchError
from bench.wrk import Outcome, parse

_SUMMARY = """Running 4s test @ http://127.0.0.1:40001/
  1 threads and 32 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency     2.91ms    1.02ms  24.30ms   93.11%
    Req/Sec    11.08k     0.91k   12.01k    80.00%
  44000 requests in 4.00s, 7.39MB read
{trouble}Requests/sec:  11000.00
Transfer/sec:      1.85MB
"""


def test_requests_and_their_rate_are_read() -> None:
    load = parse(_SUMMARY.format(trouble=""))
    assert load == Outcome(44000, 11000.0)
    assert load.seconds == 4.0


@pytest.mark.parametrize(
    ("trouble", "said"),
    [
        ("  Non-2xx or 3xx responses: 12\n", "12 of 44000 requests were refused"),
        ("  Socket errors: connect 0, read 3, write 0, timeout 1\n", "read 3"),
    ],
)
def test_a_run_with_failures_is_no_measurement(trouble: str, said: str) -> None:
    with pytest.raises(BenchError, match=said):
        parse(_SUMMARY.format(trouble=trouble))


def test_a_run_without_a_single_answer_is_no_measurement() -> None:
    with pytest.raises(BenchError, match="no request was answered"):
        parse("  0 requests in 1.00s, 0.00B read\nRequests/sec:      0.00\n")


@pytest.mark.parametrize("output", ["", "unable to connect to 127.0.0.1:1 Connection refused\n"])
def test_output_without_a_summary_is_an_error_that_shows_it(output: str) -> None:
    with pytest.raises(BenchError, match=output.strip() or "nothing at all"):
        parse(output)
