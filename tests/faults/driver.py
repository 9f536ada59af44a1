"""A driver to be killed: launches or resumes a study and writes each event as a line of JSON, with its time."""

import json
import sys
import time
from pathlib import Path

from search import Event, SearchFailed, Study, launch, names, resume


def main(text: str, home: str, ledger: str | None) -> int:
    """Run the study of a YAML text until it ends. Returns 0 done, 1 failed, 3 stopped."""
    study = Study.parse(text)

    def watch(event: Event) -> None:
        say(event.kind, event.text)

    try:
        if study.name in names(home):
            outcome = resume(study.name, home, ledger=ledger, watcher=watch)
        else:
            outcome = launch(study, home, ledger=ledger, watcher=watch, measured=False)
    except SearchFailed as error:
        say("trouble", str(error))
        return 1
    return 3 if outcome.stopped else 0


def say(kind: str, text: str) -> None:
    """Write an event down, at once."""
    sys.stdout.write(json.dumps({"at": time.time(), "kind": kind, "text": text}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1]).read_text(), sys.argv[2], sys.argv[3] if len(sys.argv) > 3 else None))
