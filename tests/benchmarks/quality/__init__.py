"""Runs the product's own verdicts on labelled data, for scorers that know the labels."""
