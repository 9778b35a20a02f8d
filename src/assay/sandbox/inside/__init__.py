"""What runs on the far side: the zygote and its children.

These modules import the standard library and each other, nothing else of Assay: the zygote is a fresh interpreter that never sees
the rest. The judge imports `values` and `frames` too, so that both sides speak the same way.
"""
