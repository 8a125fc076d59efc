"""A platform that exists in the sandbox only, with every way of answering that the real ones have between them."""
