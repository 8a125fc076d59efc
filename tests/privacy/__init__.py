"""Requirements of privacy and security that concern the whole, not one room."""
