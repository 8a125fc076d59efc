"""What a regulated business may not do with segments: profiles as data, and the one place that applies them."""
