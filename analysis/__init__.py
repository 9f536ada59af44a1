"""From evidence to judgement: tables, statistics, figures and the report; no torch, no ray."""
