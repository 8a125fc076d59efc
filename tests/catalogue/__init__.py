"""What may go wrong and what must hold: each entry with the tests that prove it, written into docs/reliability.md."""
