"""A new model against the current one, on one's own work, judged blind, until the evidence is enough."""
