"""From evidence to judgement: tables, statistics, figures and the report; no torch, no ray."""

from analysis.comparison import compare_studies
from analysis.ranking import rank
from analysis.report import report
from analysis.table import Table, load

__all__ = ["Table", "compare_studies", "load", "rank", "report"]
