"""What operators look at before it happens, and take back afterwards: plans, apply, undo, holds."""
