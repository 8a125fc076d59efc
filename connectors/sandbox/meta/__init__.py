"""Meta's Marketing API for customer-file custom audiences, as its documents describe it."""
