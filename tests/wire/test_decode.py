"""Content codings: whole and exact, or refused; and never more memory than the limit is worth."""

import gzip
import tracemalloc
import zlib

import brotli
import pytest
import zstandard
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from aimux.core.reason import Failure, Reason
from aimux.wire.decode import decode

MIB = 1024 * 1024
ENCODERS = {
    b"gzip": gzip.compress,
    b"x-gzip": gzip.compress,
    b"deflate": zlib.compress,
    b"br": brotli.compress,
    b"zstd": zstandard.compress,
}
codings = pytest.mark.parametrize("coding", ENCODERS)


def fault(body, coding, limit=MIB):
    with pytest.raises(Failure) as caught:
        decode(body, coding, limit)
    return caught.value.reason


@codings
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(body=st.one_of(st.binary(max_size=300), st.binary(min_size=1, max_size=3).map(lambda b: b * 70_000)))
def test_a_body_comes_out_as_it_went_in(coding, body):
    encoded = ENCODERS[coding](body)
    assert decode(encoded, coding, len(body)) == body
    assert decode(encoded, coding.upper(), MIB) == body
    if body:
        assert fault(encoded, coding, len(body) - 1) is Reason.BODY_TOO_LARGE


@codings
def test_a_streamed_encoding_is_read_too(coding):
    if coding == b"zstd":
        encoder = zstandard.ZstdCompressor().compressobj()
        data = encoder.compress(b"a" * 1000) + encoder.flush(zstandard.COMPRESSOBJ_FLUSH_BLOCK)
        data += encoder.compress(b"b" * 1000) + encoder.flush()
    elif coding == b"br":
        encoder = brotli.Compressor()
        data = encoder.process(b"a" * 1000) + encoder.flush() + encoder.process(b"b" * 1000) + encoder.finish()
    else:
        encoder = zlib.compressobj(wbits=zlib.MAX_WBITS + (0 if coding == b"deflate" else 16))
        data = encoder.compress(b"a" * 1000) + encoder.flush(zlib.Z_FULL_FLUSH)
        data += encoder.compress(b"b" * 1000) + encoder.flush()
    assert decode(data, coding, 2000) == b"a" * 1000 + b"b" * 1000


@codings
def test_a_body_cut_short_anywhere_is_refused(coding):
    whole = ENCODERS[coding](b"analyze the budget of the third quarter")
    for end in range(len(whole)):
        assert fault(whole[:end], coding) is Reason.BAD_REQUEST


@codings
def test_anything_behind_the_end_is_refused(coding):
    whole = ENCODERS[coding](b"analyze the budget of the third quarter")
    for behind in (b"\x00", b"{", whole, b" " * 200, ENCODERS[coding](b"")):
        assert fault(whole + behind, coding) is Reason.BAD_REQUEST


@codings
def test_garbage_is_refused(coding):
    for body in (b"{}", b'{"agent": "admin-bot"}', b"\xff" * 100, b"\x1f\x8b\x08\x00some", b"\x28\xb5\x2f\xfdsome"):
        assert fault(body, coding) is Reason.BAD_REQUEST


@codings
def test_a_changed_byte_never_breaks_more_than_the_request(coding):
    whole = ENCODERS[coding](b"analyze the budget" * 10)
    refused = 0
    for at in range(len(whole)):
        changed = whole[:at] + bytes([whole[at] ^ 0x55]) + whole[at + 1 :]
        try:
            assert len(decode(changed, coding, 1000)) <= 1000
        except Failure:
            refused += 1
    assert refused > len(whole) / 4


@pytest.mark.parametrize(
    "coding", [b"compress", b"gzip, br", b"gzip,gzip", b"lzma", b"*", b"aws-chunked", b"gzip;q=1", b"\xff", b"g zip"]
)
def test_another_coding_is_unsupported(coding):
    assert fault(gzip.compress(b"x"), coding) is Reason.UNSUPPORTED_ENCODING


@pytest.mark.parametrize("coding", [b"", b"identity", b" Identity "])
def test_identity_is_no_coding(coding):
    assert decode(b"as it is", coding, MIB) == b"as it is"


def bomb_of(coding):
    """64 MiB of zeros."""
    if coding == b"br":
        encoder, finish = brotli.Compressor(quality=5, lgwin=22), "finish"
    elif coding == b"zstd":
        encoder, finish = zstandard.ZstdCompressor(level=1).compressobj(), "flush"
    else:
        encoder, finish = zlib.compressobj(wbits=zlib.MAX_WBITS + (0 if coding == b"deflate" else 16)), "flush"
    compress = encoder.process if coding == b"br" else encoder.compress
    return b"".join(compress(bytes(MIB)) for _ in range(64)) + getattr(encoder, finish)()


def peak(act):
    tracemalloc.start()
    try:
        act()
        return tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@codings
def test_a_bomb_is_refused_without_being_unpacked(coding):
    bomb = bomb_of(coding)
    assert len(bomb) < MIB / 8
    assert peak(lambda: fault(bomb, coding, MIB)) < 12 * MIB
    assert peak(lambda: fault(bomb, coding, 1000)) < 8 * MIB
    # The measure sees what unpacking takes.
    assert peak(lambda: decode(bomb, coding, 64 * MIB)) >= 64 * MIB


def test_a_zstd_frame_that_wants_a_huge_window_is_refused():
    parameters = zstandard.ZstdCompressionParameters.from_level(3, window_log=27)
    huge = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    assert fault(huge.compress(b"x" * 1000) + huge.flush(), b"zstd") is Reason.BAD_REQUEST


def test_messages_never_repeat_the_coding_or_the_body():
    with pytest.raises(Failure) as caught:
        decode(b"secret body", b"secret-coding", MIB)
    assert "secret" not in caught.value.message
    with pytest.raises(Failure) as caught:
        decode(b"secret body", b"gzip", MIB)
    assert "secret" not in caught.value.message
