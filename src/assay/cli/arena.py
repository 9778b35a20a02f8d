"""``assay arena``: votes in, ratings out."""


import click


@click.group()
def arena() -> None:
    """Votes: import, rate, export, verify."""
