"""Whether a segment is worth its own treatment: twelve criteria, each measured, and what follows from them.

Each criterion is a small file with one function ``judge``: what was found about a segment in, a ``Criterion`` out.
``gathering`` finds it out; ``card`` puts the criteria together. Nothing here sends or changes anything.
"""
