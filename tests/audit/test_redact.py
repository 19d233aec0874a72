"""Secrets are blotted out wherever they stand, and texts without any stay as they are."""

import json

import pytest
from hypothesis import given, settings
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
        f"-----BEGIN PRIVATE KEY-----\nx\n-----END PRIVATE KEY-----eyJhbGciOiJIUzI1NiJ9.{SECRET}",
        f'password: str = "a {SECRET}"',
        f"Authorization: Token a, {SECRET}",
        f"token: Bearer {SECRET}",
        f"'password' => 'a {SECRET}'",
        f'config["password"] = "a {SECRET}"',
        f'"raw": "GET / HTTP/1.1\\r\\nCookie: a=1; b={SECRET}"',
        f'"env": "A=1\\nPASSWORD={SECRET}"',
        f"https://{SECRET}@host/ and https://{SECRET}:x-oauth-basic@host/",
        f"dbPassword: {SECRET}",
        f"PGPASSWORD={SECRET}",
        f"password=a\\ {SECRET}",
        "token: " * 5_000 + SECRET,
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
        "what is a password manager",
        "token_count=5, max_tokens: 5",
        "https://host:8080/x?mail=a@b, ssh://git@host/x and https://[::1]:80/a@b",
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


@pytest.mark.parametrize(
    ("text", "cleaned"),
    [
        ('password="a b" and', 'password="***" and'),
        ("password='a b' and", "password='***' and"),
        ('password="a""b c" and', 'password="***" and'),
        ("password=a,b and", "password=*** and"),
        ("my password: hunter2 and", "my password: *** and"),
        ("DB_PASSWORD=x and", "DB_PASSWORD=*** and"),
        ("AWS_SECRET_ACCESS_KEY=a/b+c and", "AWS_SECRET_ACCESS_KEY=*** and"),
        ("my-api-key: x\nand", "my-api-key: ***\nand"),
        ("Server=x;Password=a;User=y", "Server=x;Password=***;User=y"),
        ("https://x/?token=a&b=1", "https://x/?token=***&b=1"),
        ('"https://x/?token=a", "b"', '"https://x/?token=***", "b"'),
        ('Cookie: a="1"; b=2\r\nand', "Cookie: ***\r\nand"),
        ('Authorization: Digest username="x", response="y"', "Authorization: ***"),
        ('X-Api-Key: "abc"', "X-Api-Key: ***"),
        ("curl -H 'Authorization: Bearer x' https://h", "curl -H 'Authorization: ***' https://h"),
        ('curl -H "X-Api-Key: abc" https://h', 'curl -H "X-Api-Key: ***" https://h'),
        ('curl -H "X-Internal: a \\"b\\"" https://h', 'curl -H "X-Internal: ***" https://h'),
        ('{"token": ["a", "]b"], "c": 1}', '{"token": "***", "c": 1}'),
        ('{"token": {"value": "x"}, "c": 1}', '{"token": "***", "c": 1}'),
        ('{"token": 123, "c": 1}', '{"token": "***", "c": 1}'),
        (r"{\"password\":\"x\\\"y\",\"c\":1}", r"{\"password\":\"***\",\"c\":1}"),
        (r"{\\\"password\\\": \\\"x\\\"}", r"{\\\"password\\\": \\\"***\\\"}"),
        (r'"GET /\r\nCookie: a=\"1\"; b=2\r\nHost: x"', r'"GET /\r\nCookie: ***\r\nHost: x"'),
        ("https://user:pw@host/", "https://user:***@host/"),
        ("postgres://u:p@s/s@h/db", "postgres://u:***@h/db"),
        ('{"my field": [1, "x"], "user_ssn": {"a": 1}}', '{"my field": "***", "user_ssn": "***"}'),
        ("`password`: `a b` and", "`password`: `***` and"),
        ('password="a b', 'password="***"'),
        ('{"token": ["a", {"b"', '{"token": "***"'),
    ],
)
def test_what_stands_around_a_secret_stays(text: str, cleaned: str) -> None:
    redactor = Redactor(["X-Internal"], ["ssn", "my field"])
    assert redactor.clean(text) == cleaned
    assert redactor.clean(cleaned) == cleaned


@given(st.text(alphabet=st.sampled_from("abc\"'\\:=,{} \n-"), max_size=60), st.text(max_size=10))
def test_whatever_stands_around_it_the_value_of_a_named_field_is_gone(around: str, after: str) -> None:
    cleaned = Redactor((), ["ssn"]).clean(f'{around} "ssn":"{SECRET}" {after}')
    assert SECRET not in cleaned


NAMES = st.sampled_from(
    [
        "password",
        "DB_PASSWORD",
        "my-api-key",
        "AWS_SECRET_ACCESS_KEY",
        "accessToken",
        "ssn",
        "user_ssn",
        "Client-Secret",
    ]
)
HEADERS = st.sampled_from(["Authorization", "cookie", "X-Api-Key", "X-Internal", "Proxy-Authorization"])
PIECES = ["a", "7", " ", ",", ";", "&", ":", "@", "/", "\\", '"', "'", "[", "}", "=", "***", "é"]
# What is not quoted ends with a space, and quotes, brackets and separators in it are read as such.
PLAIN = st.lists(st.sampled_from(["a", "7", ":", "/", "_", "-", "+", "!", "é"]), max_size=12).map("".join)
ANY = st.lists(st.sampled_from(PIECES), max_size=12).map("".join)
MARK = "Zq9"
REDACTOR = Redactor(["X-Internal"], ["ssn", "my field"])


def escaped(text: str, levels: int) -> str:
    for _ in range(levels):
        text = json.dumps(text, ensure_ascii=False)[1:-1]
    return text


@given(NAMES, ANY, ANY, st.integers(0, 3), st.sampled_from(["{}", "[{}, 1]", '{{"a": {}}}']))
def test_no_secret_in_json_stays_however_deep_it_is_quoted(
    name: str, before: str, after: str, levels: int, shape: str
) -> None:
    value = shape.format(json.dumps(before + MARK + after, ensure_ascii=False))
    cleaned = REDACTOR.clean(escaped(f'{{"{name}": {value}, "b": "kept"}} kept', levels))
    assert MARK not in cleaned
    assert cleaned == escaped(f'{{"{name}": "***", "b": "kept"}} kept', levels)


@given(NAMES, PLAIN, PLAIN, st.sampled_from(["=", " = ", ": ", ":", " := "]), st.sampled_from(["", '"', "'", "`"]))
def test_no_secret_that_is_assigned_stays(name: str, before: str, after: str, sign: str, quote: str) -> None:
    space = " " if quote else ""
    cleaned = REDACTOR.clean(f"kept {name}{sign}{quote}{before}{space}{MARK}{space}{after}{quote} last")
    assert MARK not in cleaned
    assert cleaned.startswith(f"kept {name}")


@given(HEADERS, ANY, ANY, st.booleans())
def test_no_secret_in_a_header_stays(name: str, before: str, after: str, in_curl: bool) -> None:
    if in_curl:
        quoted = json.dumps(f"{name}: {before.lstrip()}{MARK}{after}", ensure_ascii=False)
        assert REDACTOR.clean(f"curl -H {quoted} kept") == f'curl -H "{name}: ***" kept'
    else:
        assert MARK not in REDACTOR.clean(f"GET / HTTP/1.1\r\n{name}: {before}{MARK}{after}\r\nkept")


@given(PLAIN, PLAIN, st.sampled_from(["https", "postgres", "redis+tls"]))
def test_no_password_in_an_address_stays(before: str, after: str, scheme: str) -> None:
    cleaned = REDACTOR.clean(f"kept {scheme}://user:a{before}{MARK}{after}@host/db kept")
    assert cleaned == f"kept {scheme}://user:***@host/db kept"


SYNTAX = [
    *PIECES,
    "password",
    "token",
    "Cookie",
    "my field",
    "\n",
    "\\n",
    '\\"',
    "{",
    "]",
    "(",
    "`",
    "://",
    "u:",
    "Bearer ",
]


@settings(max_examples=500)
@given(st.lists(st.sampled_from([*SYNTAX, "sk-aaaaaaaaaaaaaaaa", "-----BEGIN PRIVATE KEY-----", ">"]), max_size=30))
def test_what_was_cleaned_is_clean(pieces: list[str]) -> None:
    cleaned = REDACTOR.clean("".join(pieces))
    assert REDACTOR.clean(cleaned) == cleaned


WORDS = ["what", "is", "a", "password", "cookies", "token", "for", "3", "secret", "how-to", "it,", "(soon)", "don't"]


@given(st.lists(st.sampled_from([*WORDS, "note:", "x=1", "a@b.example", "https://h/x"]), max_size=20))
def test_ordinary_sentences_stay_as_they_are(words: list[str]) -> None:
    sentence = " ".join(words) + "?"
    assert REDACTOR.clean(sentence) == sentence
