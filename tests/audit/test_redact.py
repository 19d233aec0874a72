"""Secrets are blotted out wherever they stand, and texts without any stay as they are."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from aimux.audit.redact import Redactor

SECRET = "s3cr3tS3cr3tS3cr3tS3cr3t"


@pytest.mark.parametrize(
    "text",
    [
        f"Authorization: Bearer {SECRET}",
        f"please call it with bearer {SECRET} or Basic dXNlcjpwYXNzd29yZA==".replace("dXNlcjpwYXNzd29yZA==", SECRET),
        f"GET / HTTP/1.1\r\nHost: x\r\nCookie: session={SECRET}; b=1\r\n\r\n",
        f"x-api-key: {SECRET}",
        f'{{"password": "{SECRET}"}}',
        f"{{'api_key' : '{SECRET}'}}",
        f'{{"Token":{SECRET}}}',
        f'{{"secret": "{SECRET}',
        f'{{"a": {{"client_secret": "x\\"{SECRET}"}}}}',
        f"https://x/?access_token={SECRET}&b=1",
        f"password = {SECRET}",
        f"use sk-{SECRET} for it",
        f"ghp_{SECRET}",
        f"xoxb-{SECRET}",
        f"eyJhbGciOiJIUzI1NiJ9.{SECRET}.{SECRET}",
        f"-----BEGIN RSA PRIVATE KEY-----\n{SECRET}\n-----END RSA PRIVATE KEY-----",
        f"-----BEGIN PRIVATE KEY-----\n{SECRET}",
        f"X-Internal: {SECRET}",
        f'{{"SSN": "{SECRET}"}}',
        f"ssn={SECRET}",
    ],
)
def test_secrets_are_blotted_out(text: str) -> None:
    cleaned = Redactor(["X-Internal"], ["ssn"]).clean(text)
    assert SECRET not in cleaned
    assert "***" in cleaned


@pytest.mark.parametrize(
    "text",
    [
        "what is 50 times 3",
        "reset the password of the admin",
        "the token bucket: how does it work?",
        "is authorization needed, and which cookie?",
        'an answer as JSON: {"text": "hello", "tokens": 5}',
        "x = 5; y = 6",
    ],
)
def test_plain_texts_stay_as_they_are(text: str) -> None:
    assert Redactor(["X-Internal"], ["ssn"]).clean(text) == text


def test_only_what_was_named_is_hidden_whole() -> None:
    redactor = Redactor(["X-Internal"], ["Prompt"])
    assert redactor.hides_field("prompt")
    assert not redactor.hides_field("query")
    assert redactor.hides_header("x-internal")
    assert redactor.hides_header("Authorization")
    assert not redactor.hides_header("X-Source-Agent")


@given(st.text(alphabet=st.sampled_from("abc\"'\\:=,{} \n-"), max_size=60), st.text(max_size=10))
def test_whatever_stands_around_it_the_value_of_a_named_field_is_gone(around: str, after: str) -> None:
    cleaned = Redactor((), ["ssn"]).clean(f'{around} "ssn":"{SECRET}" {after}')
    assert SECRET not in cleaned
