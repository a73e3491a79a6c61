"""Backfill: old logs, packed or not, are read once, by all cores, as if one process had read them.

`plan` says which files there are and where reading goes on. `tasks` cuts that for several processes, `reader`
reads a stream piece by piece, `workers` runs readers in processes of their own. `ingest` puts the pieces into
the store, in order, and has them judged.

A log cannot be read from its middle without what was open there. So readers of later parts begin with a
guess, and the first pieces that they give are read again from the true state: where both come to the same
state, all that follows is the same as well, and before that the true counts are taken. No guess can be wrong
for longer than it is compared.
"""
