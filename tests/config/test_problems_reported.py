"""Each defect ends in one problem with its line, its place and words that help. A row is a defect."""

# ruff: noqa: E501  (a table reads best with a row on a line)

from collections.abc import Callable
from pathlib import Path

import pytest

from aimux.config.load import Loaded, load
from aimux.config.problem import ConfigError, Problem, quoted

Problems = Callable[..., tuple[Problem, ...]]
FALLBACK = "fallback: {upstream: http://x}\n"

ONE_DEFECT = [
    # the shape of the whole
    ("", "aimux.yaml: the file holds no configuration"),
    ("# only a comment\n", "aimux.yaml: the file holds no configuration"),
    ("null\n", "aimux.yaml: the file holds no configuration"),
    ("- a\n", "aimux.yaml:1: the configuration must be keys with values"),
    ("just text\n", "aimux.yaml:1: the configuration must be keys with values"),
    ("server:\n  port: 1\n", "aimux.yaml: there is neither a route nor a fallback"),
    ("agents: []\nroutes: []\n", "aimux.yaml:2: there is neither a route nor a fallback"),
    ("routes:\nfallback:\n", "aimux.yaml: there is neither a route nor a fallback"),
    # unknown keys
    ("route: []\n", "aimux.yaml:1: route: this key is not known; did you mean routes?"),
    (FALLBACK + "server:\n  prot: 1\n", "aimux.yaml:3: server.prot: this key is not known; did you mean port?"),
    (FALLBACK + "min_score: 1\n", "aimux.yaml:2: min_score: this key is not known; it belongs under semantic_engine"),
    (FALLBACK + "server:\n  model_path: a\n", "aimux.yaml:3: server.model_path: this key is not known; it belongs"),
    (FALLBACK + "server:\nqqq:\n", "aimux.yaml:3: qqq: this key is not known"),
    (FALLBACK + "qqq: 1\n", "aimux.yaml:2: qqq: this key is not known; remove it; the keys here are server, logging"),
    (FALLBACK + '"a b\\n": 1\n', 'aimux.yaml:2: "a b\\\\n": this key is not known'),
    ("routes: [{name: a, upstream: http://a, intent: [b]}]\n", "routes[0].intent: this key is not known; did you mean"),
    # missing
    ("fallback: {}\n", "aimux.yaml:1: fallback.upstream: this key is missing; add upstream:"),
    ("routes:\n  - name: a\n", "aimux.yaml:2: routes[0].upstream: this key is missing; add upstream:"),
    ("routes:\n  - upstream: http://a\n", "aimux.yaml:2: routes[0].name: this key is missing; add name:"),
    # another shape than expected
    (FALLBACK + "server: [a]\n", "server: a list stands where a group of keys is expected"),
    (FALLBACK + "server: x\n", 'server: "x" stands where a group of keys is expected; write keys under it, such as host:'),
    ("fallback: http://x\n", 'fallback: "http://x" stands where a group of keys is expected; write keys under it, such'),
    (FALLBACK + "agents: bot\n", 'agents: "bot" stands where a list is expected; write ["bot"]'),
    (FALLBACK + "agents: {a: b}\n", "agents: a group of keys stands where a list is expected; write a list"),
    ("routes: {a: {upstream: http://a}}\n", "routes: a group of keys stands where a list is expected; begin each item"),
    ("routes: [a]\n", 'routes[0]: "a" stands where a group of keys is expected; write keys under it, such as name:'),
    (FALLBACK + "agents: [[a]]\n", "agents[0]: a list stands where text is expected; write text"),
    (FALLBACK + "agents: [null]\n", "agents[0]: nothing stands where text is expected; write it in quotes"),
    # redirects and web pages
    ("fallback: {upstream: http://x, redirects: follow}\n", "fallback.redirects: \"follow\" is none of the values that are possible here"),
    (FALLBACK + "server: {cors: {}}\n", "server.cors.origins: this key is missing"),
    (FALLBACK + "server: {cors: {origins: []}}\n", "server.cors.origins: the list names no origin"),
    (FALLBACK + "server: {cors: {origins: ['null']}}\n", "server.cors.origins[0]: null is the origin of every local file"),
    (FALLBACK + "server: {cors: {origins: [app.example]}}\n", 'origins[0]: "app.example" is no origin; write its scheme, host'),
    (FALLBACK + "server: {cors: {origins: ['https://a/']}}\n", 'origins[0]: "https://a/" is no origin'),
    (FALLBACK + "server: {cors: {origins: ['https://a/b']}}\n", 'origins[0]: "https://a/b" is no origin'),
    (FALLBACK + "server: {cors: {origins: ['https://u@a']}}\n", "is no origin"),
    (FALLBACK + "server: {cors: {origins: ['https://*.a']}}\n", "is no origin"),
    (FALLBACK + "server: {cors: {origins: ['https://a:99999']}}\n", "is no origin"),
    (FALLBACK + "server: {cors: {origins: ['*', 'https://a']}}\n", 'server.cors.origins: "*" stands beside other origins'),
    (FALLBACK + "server: {cors: {origins: ['*'], headers: ['a b']}}\n", 'server.cors.headers[0]: "a b" is no header name'),
    (FALLBACK + "server: {cors: {origins: ['*'], max_age: -1}}\n", "server.cors.max_age:"),
    # types
    (FALLBACK + "server: {port: '80'}\n", 'server.port: "80" stands where a whole number is expected; write a whole number, without'),
    (FALLBACK + "server: {port: 80.5}\n", "server.port: 80.5 stands where a whole number is expected"),
    (FALLBACK + "server: {port: true}\n", "server.port: true stands where a whole number is expected"),
    (FALLBACK + "server: {port: }\n", "server.port: nothing stands where a whole number is expected"),
    (FALLBACK + "server: {header_timeout: 30s}\n", 'header_timeout: "30s" stands where a number is expected'),
    (FALLBACK + "server: {header_timeout: .inf}\n", "header_timeout: .inf stands where a finite number is expected"),
    (FALLBACK + "server: {header_timeout: .nan}\n", "header_timeout: .nan"),
    (FALLBACK + "server: {header_timeout: 1e999}\n", "header_timeout: 1e999 stands where a finite number is expected"),
    (FALLBACK + "server: {host: 1}\n", 'server.host: 1 stands where text is expected; write it in quotes: "1"'),
    (FALLBACK + "logging: {timestamp: 'yes'}\n", 'timestamp: "yes" stands where true or false is expected; write true or false, without'),
    (FALLBACK + "logging: {timestamp: 1}\n", "timestamp: 1 stands where true or false is expected"),
    (FALLBACK + "agents: [true]\n", 'agents[0]: true stands where text is expected; write it in quotes: "true"'),
    (FALLBACK + "agents: [12]\n", "agents[0]: 12 stands where text is expected; write a name in kebab-case"),
    # ranges and choices
    (FALLBACK + "server: {port: 65536}\n", "server.port: 65536 is out of range; write 65535 or less"),
    (FALLBACK + "server: {port: -1}\n", "server.port: -1 is out of range; write 0 or more"),
    (FALLBACK + "server: {max_headers: 0}\n", "server.max_headers: 0 is out of range; write 1 or more"),
    (FALLBACK + "server: {idle_timeout: 0}\n", "server.idle_timeout: 0 is out of range; write a number greater than 0"),
    (FALLBACK + "semantic_engine: {min_score: 1.01}\n", "min_score: 1.01 is out of range; write 1 or less"),
    (FALLBACK + "semantic_engine: {ambiguity_threshold: -0.1}\n", "ambiguity_threshold: -0.1 is out of range; write 0 or"),
    (FALLBACK + "semantic_engine: {cache_entries: -1}\n", "cache_entries: -1 is out of range; write 0 or more"),
    ("routes: [{name: a, upstream: http://a, min_score: 2}]\n", "routes[0].min_score: 2 is out of range"),
    (FALLBACK + "logging: {level: INFO}\n", "level: \"INFO\" is none of the values that are possible here; write 'debug', 'info'"),
    (FALLBACK + "logging: {format: xml}\n", "format: \"xml\" is none of the values that are possible here; write 'auto', 'human'"),
    (FALLBACK + "server: {max_body_bytes: 10XB}\n", "max_body_bytes: a size is expected here; write a number of bytes"),
    (FALLBACK + "server: {max_body_bytes: 1.5}\n", "max_body_bytes: a size is expected here"),
    (FALLBACK + f"server: {{max_body_bytes: {'9' * 400}B}}\n", "cannot be used here; see docs/configuration.md"),
    (FALLBACK + "server: {max_body_bytes: 0}\n", "max_body_bytes: 0 is out of range; write 1 or more"),
    (FALLBACK + "server: {max_body_bytes: 0KiB}\n", 'max_body_bytes: "0KiB" is out of range; write 1 or more'),
    # names
    (FALLBACK + "agents: [FinanceBot]\n", 'agents[0]: "FinanceBot" is neither kebab-case nor snake_case; write finance-bot'),
    (FALLBACK + "agents: [finance.bot]\n", '"finance.bot" is neither kebab-case nor snake_case; write finance-bot'),
    (FALLBACK + "agents: ['finance bot']\n", '"finance bot" is neither kebab-case nor snake_case; write finance-bot'),
    (FALLBACK + "agents: [a-b_c]\n", '"a-b_c" is neither kebab-case nor snake_case; write a-b-c'),
    (FALLBACK + "agents: [a--b]\n", '"a--b" is neither'),
    (FALLBACK + "agents: [a-]\n", '"a-" is neither'),
    (FALLBACK + "agents: ['-a']\n", '"-a" is neither'),
    (FALLBACK + "agents: [9a]\n", '"9a" is neither kebab-case nor snake_case; use small letters and digits'),
    (FALLBACK + 'agents: ["a\\n"]\n', '"a\\\\n" is neither'),
    (FALLBACK + "agents: ['*']\n", '"*" is neither'),
    (FALLBACK + "agents: ['']\n", 'agents[0]: "" is neither'),
    (FALLBACK + "agents: [é]\n", '"é" is neither'),
    (FALLBACK + f"agents: [{'A' * 64}]\n", f"neither kebab-case nor snake_case; write {'a' * 64}"),
    (FALLBACK + f"agents: [{'a' * 65}]\n", "is longer than 64 characters; shorten it"),
    ("routes: [{name: Bad Name, upstream: http://a}]\n", 'routes[0].name: "Bad Name" is neither kebab-case nor snake_case; write'),
    ("routes: [{name: fallback, upstream: http://a}]\n", 'routes[0].name: the name "fallback" is kept for the section'),
    # values that YAML readers differ on
    (FALLBACK + "server: {port: 012}\n", "server.port: some YAML readers take this unquoted value for an octal number; write the"),
    (FALLBACK + "server: {port: 12:30}\n", "server.port: some YAML readers take this unquoted value for a number to the base of 60"),
    (FALLBACK + "server: {port: 8_080}\n", "server.port: some YAML readers take this unquoted value for a number"),
    (FALLBACK + "agents: [no]\n", "agents[0]: some YAML readers take this unquoted value for true or false; write true or"),
    (FALLBACK + "logging: {timestamp: on}\n", "timestamp: some YAML readers take this unquoted value for true or false; write true"),
    ("routes: [{name: a, upstream: http://a, intents: [2024-01-31]}]\n", "intents[0]: some YAML readers take this unquoted value for a date"),
    (FALLBACK + f"server: {{port: {'9' * 41}}}\n", "server.port: the value is a number of more than 40 digits"),
    # lists that must not repeat
    (FALLBACK + "agents:\n- a\n- b\n- a\n", 'aimux.yaml:5: agents[2]: the agent "a" stands on line 3 already'),
    (
        "routes:\n- {name: a, upstream: http://a}\n- {name: a, upstream: http://b}\n",
        'aimux.yaml:3: routes[1].name: the route "a" stands on line 2 already',
    ),
    ("routes: [{name: a, upstream: http://a, intents: [b, b]}]\n", 'routes[0].intents[1]: the intent "b" stands'),
    ("routes: [{name: a, upstream: http://a, intents: [b, ' b']}]\n", 'the intent " b" stands on line 1 already as "b"'),
    (FALLBACK + "agents: [a]\nroutes: [{name: b, upstream: http://b, allowed: [a, a]}]\n", 'routes[0].allowed[1]: the entry "a"'),
    ("fallback: {upstream: http://x, allowed: ['*', '*']}\n", 'fallback.allowed[1]: the entry "*" stands'),
    (FALLBACK + "identity: {query_params: [a, a]}\n", 'identity.query_params[1]: the query parameter "a" stands'),
    (FALLBACK + "identity: {headers: [X-A, x-a]}\n", 'identity.headers[1]: the header "x-a" stands on line 2 already as "X-A"'),
    (FALLBACK + "identity: {headers: [X-A, X_A]}\n", 'identity.headers[1]: the header "X_A" stands on line 2 already as "X-A"'),
    # access lists
    ("fallback: {upstream: http://x, allowed: [bot]}\n", 'fallback.allowed[0]: "bot" is not a registered agent; add it under'),
    (
        "agents: [finance-bot]\nfallback:\n  upstream: http://x\n  allowed:\n  - finance-bott\n",
        'aimux.yaml:5: fallback.allowed[0]: "finance-bott" is not a registered agent; did you mean finance-bot?',
    ),
    ("fallback: {upstream: http://x, allowed: [bot, bot]}\nagents: [bot]", 'fallback.allowed[1]: the entry "bot" stands'),
    (
        "agents: [bot]\nfallback: {upstream: http://x, allowed: ['*', bot]}\n",
        'fallback.allowed[0]: "*" stands beside names; write ["*"] alone',
    ),
    ("fallback:\n  upstream: http://x\n  allowed:\n", "aimux.yaml:3: fallback.allowed: `allowed` has no value"),
    ("routes: [{name: a, upstream: http://a, allowed: null}]\n", "routes[0].allowed: `allowed` has no value"),
    ("agents: [bot]\nfallback: {upstream: http://x, allowed: bot}\n", 'allowed: "bot" stands where a list is expected; write ["bot"]'),
    ("fallback: {upstream: http://x, allowed: '*'}\n", 'allowed: "*" stands where a list is expected; write ["*"]'),
    ("fallback: {upstream: http://x, allowed: [1]}\n", "fallback.allowed[0]: 1 stands where text is expected"),
    # intents
    ("routes: [{name: a, upstream: http://a, intents: ['']}]\n", "intents[0]: the text is empty"),
    ("routes: [{name: a, upstream: http://a, intents: ['  ']}]\n", "intents[0]: the text is empty"),
    ('routes: [{name: a, upstream: http://a, intents: ["a\\tb"]}]\n', "holds a line break or control character"),
    ("routes: [{name: a, upstream: http://a, intents: b}]\n", 'intents: "b" stands where a list is expected; write ["b"]'),
    ("routes: [{name: a, upstream: http://a, intents: [5]}]\n", 'intents[0]: 5 stands where text is expected; write it in quotes: "5"'),
    ("routes: [{name: a, upstream: http://a, intents: }]\n", "intents: nothing stands where a list is expected"),
    # upstreams
    ("fallback: {upstream: 'ftp://x'}\n", 'fallback.upstream: "ftp://x" is not an http or https URL; write it as http://host:port'),
    ("fallback: {upstream: 8000}\n", "fallback.upstream: 8000 stands where text is expected"),
    # identity
    (FALLBACK + "identity: {headers: ['X A']}\n", 'identity.headers[0]: "X A" is no header name; write one such as'),
    (FALLBACK + "identity: {headers: ['']}\n", 'identity.headers[0]: "" is no header name'),
    (FALLBACK + "identity: {headers: [x-aimux-agent]}\n", '"x-aimux-agent" belongs to the gateway'),
    (FALLBACK + "identity: {query_params: ['']}\n", "identity.query_params[0]: the text is empty"),
    (FALLBACK + "identity: {body_field: ''}\n", "identity.body_field: the text is empty"),
    # addresses
    (FALLBACK + "server: {host: ''}\n", 'server.host: "" is neither an address nor a host name'),
    (FALLBACK + "server: {host: '*'}\n", 'server.host: "*" is neither an address nor a host name; write 127.0.0.1'),
    (FALLBACK + "server: {host: '[::1]'}\n", "is neither an address nor a host name"),
    (FALLBACK + "server: {host: 127.1}\n", "server.host: 127.1 stands where text is expected"),
    (FALLBACK + "server: {host: '127.1'}\n", "is neither an address nor a host name"),
    (FALLBACK + "server: {trusted_proxies: [10.0.0.1/8]}\n", '"10.0.0.1/8" is an address within a network; write 10.0.0.0/8'),
    (FALLBACK + "server: {trusted_proxies: [proxy]}\n", '"proxy" is no IP address or network'),
    (FALLBACK + "server: {trusted_proxies: [10.0.0.0/0.255.255.255]}\n", "is no IP address or network"),
    (FALLBACK + "server: {trusted_proxies: ['fe80::1%eth0']}\n", "is no IP address or network"),
    (FALLBACK + "server: {trusted_proxies: [10.0.0.0/33]}\n", '"10.0.0.0/33" is no IP address or network'),
    (FALLBACK + "server: {trusted_proxies: [10]}\n", "trusted_proxies[0]: an IP address or network is expected here"),
    # tokens
    (FALLBACK + "server: {admin_token: short}\n", "server.admin_token: the token is shorter than 16 characters"),
    (FALLBACK + "server: {admin_token: 'has spaces in the middle'}\n", "admin_token: the token holds a space"),
    (FALLBACK + "server: {admin_token: éééééééééééééééééé}\n", "admin_token: the token holds a space or a character that no"),
    (FALLBACK + "server: {admin_token: 12345678901234567}\n", "admin_token: the value stands where text is expected; write it in quotes"),
    # files
    (FALLBACK + "semantic_engine: {model_path: ''}\n", "model_path: the path is empty"),
    (FALLBACK + 'semantic_engine: {model_path: "a\\nb"}\n', "model_path: \"a\\\\nb\" holds a line break or control character"),
    (FALLBACK + "semantic_engine: {model_path: 5}\n", "model_path: 5 stands where text is expected"),
    # YAML that is not read
    (FALLBACK + "agents: &a [x]\n", "aimux.yaml:2: agents: a YAML anchor (&) stands here"),
    ("fallback: *x\n", "aimux.yaml:1: fallback: a YAML alias (*) stands here"),
    (FALLBACK + "server: {port: !!int 80}\n", "server.port: a YAML tag (!) stands here"),
    (FALLBACK + "agents: !!set [a]\n", "agents: a YAML tag (!) stands here"),
    (FALLBACK + "server: {host: ! x}\n", "server.host: a YAML tag (!) stands here"),
    (FALLBACK + "<<: {server: {port: 1}}\n", "aimux.yaml:2: a YAML merge key (<<) stands here"),
    ("fallback: {<<: {upstream: http://x}}\n", "fallback: a YAML merge key (<<) stands here"),
    (FALLBACK + "*x : 1\n", "aimux.yaml:2: a YAML alias (*) stands here"),
    (FALLBACK + "&x server: {port: 1}\n", "aimux.yaml:2: a key carries a YAML anchor (&) or tag (!)"),
    (FALLBACK + "!!str server: {port: 1}\n", "aimux.yaml:2: a key carries a YAML anchor (&) or tag (!)"),
    (FALLBACK + "server: {&a port: 1, &b host: x}\n", "aimux.yaml:2: server: a key carries a YAML anchor (&) or tag (!)"),
    (FALLBACK + "1: a\n", "aimux.yaml:2: a key must be text"),
    (FALLBACK + "on: a\n", "aimux.yaml:2: a key must be text"),
    (FALLBACK + "? [a]\n: b\n", "aimux.yaml:2: a list or a group of keys stands where a key is expected"),
    (FALLBACK + "server: {port: {{ port }}}\n", "server.port: a list or a group of keys stands where a key is expected; write key: value; a placeholder"),
    (FALLBACK + "server: {}\nserver: {}\n", "aimux.yaml:3: server: this key stands on line 2 already; keep one of the two"),
    (FALLBACK + "server:\n  port: 1\n  port: 2\n", "aimux.yaml:4: server.port: this key stands on line 3 already"),
    (FALLBACK + "---\nserver: {}\n", "aimux.yaml:2: a second document begins here"),
    (FALLBACK + "server: " + "[" * 31 + "a" + "]" * 31, "server: a list stands where a group of keys is expected"),
    (FALLBACK + "server: " + "[" * 32 + "a" + "]" * 32, "aimux.yaml:2: server: values are nested over 32 levels deep"),
    (FALLBACK + "server: " + "[" * 40 + "]" * 40, "aimux.yaml:2: server: values are nested over 32 levels deep"),
    ("[" * 40, "values are nested over 32 levels deep"),
    ("fallback: {upstream: \"http://x\\0\"}\n", "fallback.upstream: the value holds a character that no text can hold"),
    # text that is no YAML
    ("routes:\n\t- name: a\n", "aimux.yaml:2: a tab stands where YAML wants spaces; indent with spaces"),
    ('server:\n  host: "a\n  port: 1\n', "aimux.yaml:2: the quote that opens on this line is not closed"),
    ("agents: [a, b\nserver: {}\n", "aimux.yaml:1: the [ on this line is not closed"),
    ("\nserver: {port: 1\nagents: []\n", "aimux.yaml:2: the { on this line is not closed"),
    ("fallback:\n  upstream: http://x\n  allowed: [*]\n", "aimux.yaml:3: a * without quotes stands here; put it in quotes, as in allowed: [\"*\"]"),
    ("fallback:\n  upstream: http://x\n  allowed:\n    - *\n", "aimux.yaml:4: a * without quotes stands here"),
    ("server: {host: & }\n", "aimux.yaml:1: a & without quotes stands here"),
    ('server:\n  host: "\\d"\n', "aimux.yaml:2: a backslash within double quotes begins something that YAML does not know"),
    ('server:\n  host: "\\ud800"\n', "aimux.yaml:2: a backslash within double quotes"),
    ("{server: {}} x\n", "this is not valid YAML: did not find expected <document start>; check this line"),
    ("server: {port:}\n", "aimux.yaml:1: a colon has no space behind it"),
    ("server:\n  host: a: b\n", "aimux.yaml:2: a colon stands where none can"),
    ("server:\n  port: 1\n host: a\n", "aimux.yaml:3: this line is not indented like those it belongs to"),
    ("server: {}\nagents\nroutes: []\n", "this is neither a key with a colon nor an item of a list"),
    ("server: {host: a}\nagents: @a\n", "aimux.yaml:2: the value begins with a character that YAML keeps for itself"),
    ("server: {}\nagents: \x00\n", "aimux.yaml:2: a character (U+0000) that YAML does not allow stands here"),
    ("server: {}\n\n# \x1b[31m\n", "aimux.yaml:3: a character (U+001B) that YAML does not allow stands here"),
    ("server: \ud800\n", "aimux.yaml:1: a character (U+D800) that YAML does not allow stands here"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), ONE_DEFECT)
def test_one_defect_is_one_problem(problems_of: Problems, text: str, expected: str) -> None:
    (problem,) = problems_of(text)
    assert expected.replace("\\\\", "\\") in str(problem)
    assert "\n" not in str(problem)
    assert problem.remedy


def test_all_problems_come_at_once_in_the_order_of_their_lines(problems_of: Problems) -> None:
    problems = problems_of(
        "server:\n"
        "  port: 70000\n"
        "  host: ${HOST}\n"
        "  admin_token: short\n"
        "agents: [Bot, good-bot, no]\n"
        "routes:\n"
        "  - name: a\n"
        "    upstream: ftp://x\n"
        "    allowed: [god-bot, Bot]\n"
        "  - name: a\n"
        "    upstreem: http://x\n"
        "  - 5\n"
        "fallback: *f\n",
        {"AIMUX_LOGGING__LEVEL": "loud"},
    )
    assert [(p.source, p.line, p.where) for p in problems] == [
        ("aimux.yaml", 2, "server.port"),
        ("aimux.yaml", 3, "server.host"),
        ("aimux.yaml", 4, "server.admin_token"),
        ("aimux.yaml", 5, "agents[2]"),
        ("aimux.yaml", 5, "agents[0]"),
        ("aimux.yaml", 8, "routes[0].upstream"),
        ("aimux.yaml", 9, "routes[0].allowed[0]"),
        ("aimux.yaml", 10, "routes[1].upstream"),
        ("aimux.yaml", 10, "routes[1].name"),
        ("aimux.yaml", 11, "routes[1].upstreem"),
        ("aimux.yaml", 12, "routes[2]"),
        ("aimux.yaml", 13, "fallback"),
        ("environment", None, "AIMUX_LOGGING__LEVEL"),
    ]


def test_names_that_are_written_badly_count_as_registered(problems_of: Problems) -> None:
    text = "agents: [Bot, no, 12]\nfallback: {upstream: http://x, allowed: [Bot, 'no', '12']}\n"
    assert [p.where for p in problems_of(text)] == ["agents[1]", "agents[0]", "agents[2]"]


def test_nothing_is_said_of_access_where_the_agents_cannot_be_read(problems_of: Problems) -> None:
    text = "agents: {alias}\nfallback: {upstream: http://x, allowed: [bot]}\n"
    for alias in ("[*a]", "*a", "bot", "['${NOPE}']"):
        assert [p.where.split("[")[0] for p in problems_of(text.replace("{alias}", alias))] == ["agents"]


def test_the_same_unknown_agent_twice_is_one_unknown_and_one_repetition(problems_of: Problems) -> None:
    problems = problems_of("fallback: {upstream: http://x, allowed: [bot, bot]}\n")
    assert [(p.where, "registered" in p.message) for p in problems] == [
        ("fallback.allowed[1]", False),
        ("fallback.allowed[0]", True),
    ]


def test_a_file_of_nothing_but_errors_is_judged_without_endless_comparing(problems_of: Problems) -> None:
    agents = ", ".join(f"agent-number-{i}" for i in range(3000))
    wrong = ", ".join(f"agent-nomber-{i}" for i in range(3000))
    problems = problems_of(f"agents: [{agents}]\nfallback: {{upstream: http://x, allowed: [{wrong}]}}\n")
    assert len(problems) == 3000
    suggested = [p for p in problems if p.remedy.startswith("did you mean agent-number-")]
    assert 0 < len(suggested) < 20


@pytest.mark.parametrize("allowed", ["[]", "['*']", "[a]"])
def test_an_access_list_that_fits_is_no_problem(read: Callable[..., Loaded], allowed: str) -> None:
    read(f"agents: [a]\nfallback: {{upstream: http://x, allowed: {allowed}}}\n")


def test_sections_without_a_value_count_as_absent(read: Callable[..., Loaded]) -> None:
    names = ("server", "logging", "telemetry", "semantic_engine", "identity", "agents", "routes", "upstreams")
    empty = read("".join(f"{name}:\n" for name in names) + FALLBACK)
    assert empty.config == read(FALLBACK).config


def test_windows_line_ends_and_a_byte_order_mark_are_fine(tmp_path: Path, read: Callable[..., Loaded]) -> None:
    path = tmp_path / "aimux.yaml"
    path.write_bytes(b"\xef\xbb\xbfagents:\r\n- bot\r\nfallback:\r\n  upstream: http://x\r\n")
    assert load(path, {}).policy.agents.keys() == {"bot"}


def test_a_problem_is_one_line_without_control_characters() -> None:
    problem = Problem("a\nb", 3, "", "m", "r")
    assert str(problem) == "a\\nb:3: m; r"
    assert quoted('a"\x1b\u202e' + "x" * 100) == '"a\\"\\x1b\\u202e' + "x" * 55 + '…"'


def test_an_error_has_problems_in_order() -> None:
    first, second, last = (Problem("f", line, "", "m", "r") for line in (2, 7, None))
    error = ConfigError((last, second, first))
    assert error.problems == (first, second, last)
    assert str(error) == "f:2: m; r\nf:7: m; r\nf: m; r"
    with pytest.raises(ValueError, match="at least one"):
        ConfigError(())
