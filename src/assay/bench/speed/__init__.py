"""How fast a model answers: measured from the moment at which a question was due, repeated, and beside it what our own side can do.

Covered: time to the first piece, between tokens, to the end; tokens, characters and bytes a second; goodput; two deployments
under one schedule. Not covered: what lies between us and the provider (its network is in every number), and tokens that a provider counts
but does not send, which make tokens a second larger than what can be read.
"""
