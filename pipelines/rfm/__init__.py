"""RFM: everybody scored from 1 to 5 by how recently, how often and for how much they bought, and what to call them."""
