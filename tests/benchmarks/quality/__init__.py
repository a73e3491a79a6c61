"""Runs the product's own verdicts on labelled public data, for scorers that know the labels."""
