"""The claims' lines in docs/results/README.md, between two marks; the rest of the file is written by hand and left alone."""

import re
from collections.abc import Sequence
from pathlib import Path

from benchmarks.claims.catalogue import CLAIMS
from benchmarks.claims.claim import Claim
from benchmarks.claims.page import counted
from benchmarks.claims.verdict import Judged, together

BEGIN, END = "<!-- claims: written by benchmarks.claims -->", "<!-- end of claims -->"
HEAD = ["| page | claim | verdict |", "| --- | --- | --- |"]


def index(path: Path, claim: Claim, judged: Sequence[Judged]) -> None:
    """Put a claim's line into the index, in the order of the catalogue, in place of the one that was there.

    Raises:
        ValueError: If the file has no place for it.
    """
    text = path.read_text(encoding="utf-8") if path.exists() else f"# Results\n\n{BEGIN}\n{END}\n"
    if text.count(BEGIN) != 1 or text.count(END) != 1:
        raise ValueError(f"{path} must hold the lines {BEGIN!r} and {END!r} once each, between which the claims are listed; put them back")
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    lines = {name: found[0] for name in CLAIMS if (found := re.findall(rf"^\| \[{re.escape(name)}\].*$", old, flags=re.MULTILINE))}
    verdict = together([one.verdict for one in judged])
    lines[claim.name] = f"| [{claim.name}]({claim.name}.md) | {claim.sentence} | **{verdict}** ({counted(judged)}) |"
    ordered = [lines[name] for name in CLAIMS if name in lines]
    path.write_text(f"{before}{BEGIN}\n" + "\n".join(["", *HEAD, *ordered, ""]) + f"\n{END}{after}", encoding="utf-8")
