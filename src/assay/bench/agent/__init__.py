"""Repairing a small program with a shell: repositories that are generated, with one bug each and hidden tests, and the conversation in
which a model works on one. They cannot have been memorised: names, numbers, files and inputs are drawn from a seed of your own."""
