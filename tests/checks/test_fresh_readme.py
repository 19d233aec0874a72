"""The commands that `make fresh` takes from the README are those that stand there."""

from pathlib import Path

import pytest

from checks.fresh.readme import Call, quick_start

README = (Path(__file__).parents[2] / "README.md").read_text()
SMALL = """# A
```bash
make other
```
## Quick start
```bash
sudo apt-get install -y x
make run
```
text
```bash
# It says 150.
curl "http://a?q=1" \\
  -d '{"a":  1}'

curl http://b
# No: 403.
curl http://c
aimux version
```
## More
```bash
curl http://d
```
"""


def test_commands_are_read_by_what_they_do() -> None:
    read = quick_start(SMALL)
    assert (read.install, read.serve, read.others) == ("sudo apt-get install -y x", "make run", ("aimux version",))
    assert [call.command for call in read.calls] == [
        """curl "http://a?q=1"    -d '{"a":  1}'""",
        "curl http://b",
        "curl http://c",
    ]
    assert [call.comment for call in read.calls] == ["# It says 150.", "", "# No: 403."]


def test_the_readme_has_a_quick_start() -> None:
    read = quick_start(README)
    assert "python3-venv" in read.install
    assert len(read.calls) == 5
    assert [call.comment for call in read.calls if ": 403" in call.comment]
    assert any(command.endswith("aimux version") for command in read.others)


@pytest.mark.parametrize("gone", ["make run\n", "sudo apt-get install -y x\n", "## Quick start"])
def test_a_quick_start_that_lacks_a_part_is_an_error(gone: str) -> None:
    with pytest.raises(ValueError, match="quick start"):
        quick_start(SMALL.replace(gone, ""))


@pytest.mark.parametrize(
    ("comment", "answer", "said"),
    [
        ("# It says 150.", '{"answer": "150"}', None),
        ("# It says 150.", '{"answer": "15"}', "no 150"),
        ("", '{"answer": "x"}', None),
        ("", '{"error": {"status": 403}}', "status 403 instead of an answer"),
        ("# No: 403.", '{"error": {"status": 403}}', None),
        ("# No: 403.", '{"error": {"status": 401}}', "status 401 instead of 403"),
        ("# No: 403.", '{"answer": "x"}', "status None instead of 403"),
        ("", "<html>", "no JSON"),
    ],
)
def test_an_answer_is_held_against_the_comment(comment: str, answer: str, said: str | None) -> None:
    problem = Call("curl", comment).problem(answer)
    assert problem is None if said is None else problem and said in problem
