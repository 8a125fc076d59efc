"""The models that ship: declarations only."""
