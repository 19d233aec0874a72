"""The math agent: works out the arithmetic in a text, and says so where there is none."""

from aimux.demo.agents.arithmetic import NotArithmetic, work_out
from aimux.demo.agents.asking import Question
from aimux.demo.agents.numerals import write_number
from aimux.demo.agents.serving import Agent, run


def answer(question: Question) -> str:
    """The result alone, "150", or why there is none."""
    try:
        return write_number(work_out(question.text))
    except NotArithmetic as reason:
        return f"I cannot work that out: {reason}. Try 'what is 50 times 3' or '15% of 80'."


AGENT = Agent("math", answer)

if __name__ == "__main__":
    run(AGENT)
