"""How fast sksn is, and which steps are the faster ones."""
