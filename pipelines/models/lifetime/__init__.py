"""What a customer will still be worth: how often they will buy (BG/NBD) and how much each time (Gamma-Gamma)."""
