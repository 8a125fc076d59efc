"""What there is to know of segments and people, before anything is sent and after: commands and pages ask it here."""
