"""The sandbox's web pages: what the platforms hold, what was asked of them, and what shall go wrong."""
