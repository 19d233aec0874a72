"""The targets, one a parser."""

from typing import Final

from fuzz.target import Target
from fuzz.targets import (
    chunked_body,
    configuration,
    content_coding,
    forms,
    json_body,
    meaning,
    multipart_body,
    prefixes,
    redirects,
    request_head,
    response,
    traceparent,
    upstream_target,
)

TARGETS: Final[dict[str, Target]] = {
    target.name: target
    for target in (
        request_head.TARGET,
        chunked_body.TARGET,
        content_coding.TARGET,
        json_body.TARGET,
        meaning.TARGET,
        forms.TARGET,
        multipart_body.TARGET,
        response.TARGET,
        configuration.TARGET,
        traceparent.TARGET,
        upstream_target.TARGET,
        prefixes.TARGET,
        redirects.TARGET,
    )
}
