"""Requests that the gateway answers by its own list of models: those for the list, or for one of it by name."""

from aimux.core.endpoints import MODELS
from aimux.core.policy import Policy
from aimux.core.request import ChosenBy, Facts


def answers_models(facts: Facts, policy: Policy) -> bool:
    """Whether the gateway answers a request by its own list of models.

    One that came by a prefix is its route's. Where the policy gives the list up, so is one that names a route or that a
    route's paths claim.
    """
    if facts.named_by is ChosenBy.PREFIX or not _asks_for_models(facts.method, facts.path):
        return False
    if not policy.gives_up_models:
        return True
    return facts.route_name is None and policy.paths.claim(facts.method, facts.path) is None


def model_name(path: str) -> str:
    """The model that a request for models asks for; empty where it asks for all."""
    return path[len(MODELS) + 1 :]


def _asks_for_models(method: str, path: str) -> bool:
    if method not in {"GET", "HEAD"} or not path.startswith(MODELS):
        return False
    slash, name = path[len(MODELS) : len(MODELS) + 1], model_name(path)
    return not slash or (slash == "/" and name != "" and "/" not in name)
