"""Put the methods' claims to the test and write the pages of docs/results.

python -m benchmarks.claims                     every claim; hours on two cores, Ctrl-C saves, and called again it goes on
python -m benchmarks.claims synermix            one
python -m benchmarks.claims --pages             only write the pages of what is there
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from analysis.figures.style import house
from benchmarks import measure
from benchmarks.claims import campaign, evidence
from benchmarks.claims.catalogue import CLAIMS
from benchmarks.claims.claim import Claim
from benchmarks.claims.forest import forest
from benchmarks.claims.index import index
from benchmarks.claims.page import page
from benchmarks.claims.verdict import Judged, judge
from search.errors import UserError
from search.run import SearchFailed

DONE, FAILED, AT_FAULT, STOPPED = 0, 1, 2, 3


def main(arguments: Sequence[str] | None = None) -> int:
    """Carry out and write the claims that are asked for; the exit code is the command line's."""
    asked = _asked(arguments)
    try:
        for name in asked.names or CLAIMS:
            if not asked.pages:
                for study in CLAIMS[name].studies:
                    campaign.carry_out(study, asked.home, asked.processors, _say)
            _say(f"{write(CLAIMS[name], asked.home, asked.out)}")
    except campaign.Stopped:
        _say("stopped, everything is saved; the same command goes on")
        return STOPPED
    except (UserError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return AT_FAULT
    except SearchFailed as error:
        sys.stderr.write(f"{error}\n")
        return FAILED
    return DONE


def write(claim: Claim, home: str, out: Path) -> Path:
    """Judge a claim from the evidence that is there; write its page, pictures and numbers, and its line of the index."""
    studies = {name: evidence.read(campaign.folder(name, home)) for name in claim.studies}
    judged = judge(claim, studies)
    figures = out / "figures"
    figures.mkdir(parents=True, exist_ok=True)
    with house():
        forest([finding for one in judged for finding in one.findings]).savefig(figures / f"{claim.name}.png", dpi=150)
        if claim.picture:
            claim.picture(studies).savefig(figures / f"{claim.name}-more.png", dpi=150)
    (figures / f"{claim.name}.json").write_text(json.dumps(numbers(judged), indent=1) + "\n")
    target = out / f"{claim.name}.md"
    target.write_text(page(claim, studies, judged, str(measure.machine()["processor"])), encoding="utf-8")
    index(out / "README.md", claim, judged)
    return target


def numbers(judged: Sequence[Judged]) -> list[dict[str, object]]:
    """All findings as plain data, in shares and nats."""
    return [
        {
            "statement": one.statement.text,
            **finding.part._asdict(),
            **{key: value for key, value in finding._asdict().items() if key != "part"},
        }
        for one in judged
        for finding in one.findings
    ]


def _asked(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks.claims", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("names", nargs="*", choices=[*CLAIMS, []], metavar="NAME", help=f"claims: {', '.join(CLAIMS)}; all by default")
    parser.add_argument("--home", default="studies-home/claims", help="folder that holds the studies' directories")
    parser.add_argument("--out", type=Path, default=measure.ROOT / "docs" / "results", help="folder for the pages")
    parser.add_argument("--processors", type=int, help="CPUs that Ray may use; all by default")
    parser.add_argument("--pages", action="store_true", help="train nothing, write the pages of what is there")
    return parser.parse_args(arguments)


def _say(line: str) -> None:
    print(line, flush=True)


if __name__ == "__main__":
    sys.exit(main())
