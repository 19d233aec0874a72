"""`aimux lint`: what is wrong with the routes and guards, before traffic shows it."""

import json
from pathlib import Path

from aimux.cli import console
from aimux.cli.check import load_or_say
from aimux.cli.findings import as_objects, count, fails, findings_in, show


def lint(config: Path, *, strict: bool, as_json: bool) -> int:
    """Look at the routes and guards of a configuration and say what is found; the exit code.

    Without the model there is nothing to say of them: that is no finding, and no gateway starts so.
    """
    loaded = load_or_say(config, as_json=as_json)
    if loaded is None:
        return 2
    from aimux.intent.model import ModelError

    try:
        findings = findings_in(loaded)
    except ModelError as error:
        if as_json:
            print(json.dumps({"ok": False, "problems": [], "findings": [], "routes_not_looked_at": str(error)}))
        else:
            console.problem(f"aimux: {error}")
        return 2
    failed = fails(findings, strict=strict)
    if as_json:
        print(json.dumps({"ok": not failed, "problems": [], "findings": as_objects(findings, loaded)}))
        return int(failed)
    show(findings, loaded)
    numbers = [
        count(sum(finding.severity.value == severity for finding in findings), severity)
        for severity in ("error", "warning", "note")
    ]
    (console.problem if failed else console.success)(f"{loaded.path}: {', '.join(numbers)} in the routes and guards")
    return int(failed)
