"""Texts that the model has read once, to be scored under any thresholds: reading costs most of it by far."""

from collections.abc import Callable, Iterable

from aimux.core.policy import Policy
from aimux.core.scores import Found
from aimux.intent.encoder import Vectors
from aimux.intent.evidence import NOWHERE, Case
from aimux.intent.reader import Plan, TextReader


class ReadTexts:
    """Some texts with the vectors of their windows, and the reader that gave them."""

    def __init__(self, reader: TextReader, texts: Iterable[str]) -> None:
        """Read each text once. Raises EncodingError where the model gives no vector for one."""
        self._reader = reader
        self._read = {text: self._vectors(text) for text in dict.fromkeys(texts)}

    def _vectors(self, text: str) -> tuple[Plan, Vectors] | Found:
        plan = self._reader.plan(text)
        return (plan, self._reader.embed(plan.windows)) if isinstance(plan, Plan) else plan

    def under(self, policy: Policy) -> Callable[[str], Found]:
        """What scores these texts as a gateway does that has this policy, which differs in its thresholds only."""
        reader = self._reader.under(policy)

        def score(text: str) -> Found:
            read = self._read[text]
            return reader.scores(read[0], [read[1]]) if isinstance(read, tuple) else read

        return score

    def case(self, text: str, expected: int = NOWHERE) -> Case:
        """What the text scores, whatever the thresholds; `expected` is the place of its route among those scored."""
        read = self._read[text]
        if not isinstance(read, tuple):
            return Case(expected, None)
        plan, vectors = read
        index = self._reader.index
        whole = [value for value in index.scores(plan.of_the_whole(vectors)).values if value is not None]
        if not plan.owners:
            return Case(expected, whole)
        each = index.of_parts(*plan.of_the_parts(vectors), len(plan.whole)).tolist()
        apart = [(row, brief) for row, whole, brief in zip(each, plan.whole, plan.brief, strict=True) if whole]
        return Case(expected, whole, [row for row, _ in apart], [brief for _, brief in apart])
