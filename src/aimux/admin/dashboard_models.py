"""The shape of what the web page's own endpoints answer, for the answers themselves and for their description."""

from typing import Annotated

from pydantic import Field

from aimux.admin.entry_models import DecidingPart, Milliseconds, RouteScore
from aimux.admin.models import Answer


class Trial(Answer):
    """What would be decided on a text, by the configuration in force. Nothing was forwarded, nothing recorded."""

    verdict: Annotated[str, Field(description="forward, fallback, or the code of the refusal.")]
    status: Annotated[int, Field(description="The refusal's status; 200 where the upstream would answer.")]
    rule: Annotated[str, Field(description="The rule that decides, in words.")]
    rule_id: Annotated[str, Field(description="The id of that rule, which stays where words change.")]
    message: Annotated[str, Field(description="Where it would go, or what the caller would be told.")]
    route: Annotated[str | None, Field(description="The route that it would go to, or be refused for.")]
    score: Annotated[
        float | None,
        Field(description="The score that decides: of the whole text, or of the part that chooses the route."),
    ]
    runner_up: Annotated[str | None, Field(description="The route with the second highest score there.")]
    margin: Annotated[float | None, Field(description="By how much the first leads the second there.")]
    best: Annotated[str | None, Field(description="The route with the highest score of the whole text.")]
    best_score: Annotated[float | None, Field(description="That score.")]
    part: Annotated[DecidingPart | None, Field(description="The part of the text that decides, where one does.")]
    candidates: Annotated[list[str], Field(description="Where it could mean several: those that the agent may use.")]
    ambiguity_threshold: Annotated[float, Field(description="The margin that is needed.")]
    scores: Annotated[list[RouteScore], Field(description="The highest, at most 32, highest first.")]
    milliseconds: Annotated[
        Milliseconds, Field(description="What deciding has taken, the wait for the model included.")
    ]


class Overlap(Answer):
    """How close two routes are by their intents."""

    first: str
    second: str
    similarity: Annotated[float, Field(ge=0, le=1, description="Cosine of the two intents that are most alike.")]
    first_intent: Annotated[str, Field(description="The one of the first route.")]
    second_intent: Annotated[str, Field(description="The one of the second route.")]
    lead: Annotated[
        float,
        Field(
            description="The smallest lead in score that an intent of one, said in slightly other words, has over the "
            "other route. Below the ambiguity threshold such a text is refused as ambiguous, or goes to the other."
        ),
    ]


class Overlaps(Answer):
    """How close the routes in force are to each other, pair by pair."""

    routes: Annotated[list[str], Field(description="Those with intents, in the configuration's order, at most 60.")]
    omitted: Annotated[int, Field(ge=0, description="How many routes with intents there are beyond those.")]
    ambiguity_threshold: float
    pairs: list[Overlap]
