"""Nothing that a faulty night writes names a person or a secret."""
