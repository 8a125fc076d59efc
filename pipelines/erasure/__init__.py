"""Forgetting a person everywhere: asked for in a file, done past every guard, proved by a certificate."""
