"""Alerts: what people are told besides the log.

What is to be told is put into an outbox in the same transaction as the incident's change, so that neither a
crash nor a receiver that is down loses an alert; it leaves the outbox in a transaction of its own when the
receiver has taken it. A kill between the two tells it again, and never not at all.
"""
