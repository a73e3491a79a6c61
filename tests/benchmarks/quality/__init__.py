"""How good the verdicts are, measured on labelled data."""
