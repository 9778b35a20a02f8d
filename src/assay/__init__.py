"""Assay (試金): reach, run, measure and rank every model, and check every claim.

The layers, from the bottom: ``core`` (the nouns), ``wire`` and ``stats`` (pure functions), ``store`` (the database), the
subsystems (``gateway``, ``arena``, ``board``), and ``web`` and ``cli``, which compose them. Imports point down only.
"""

__version__ = "0.1.0"
