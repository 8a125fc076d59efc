"""First-party data: declared sources become checked tables, people, consents, suppressions and features."""
