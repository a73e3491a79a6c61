"""Faults that are put into a real daemon process: a folder for PYTHONPATH whose `sitecustomize` breaks it."""
