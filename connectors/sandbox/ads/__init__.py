"""The ad platforms besides Meta, one module each, over one memory of audiences, members, jobs and tokens.

Each module is written from its platform's documents alone and is strict in the way that its platform is strict.
"""
