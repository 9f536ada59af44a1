"""What the methods' papers claim, put to the test on data of our own: studies, verdicts by rule, and the pages of docs/results."""
