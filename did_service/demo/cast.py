"""Who plays in the story besides the federation: a citizen, and a counter far away."""

CITIZEN = "wang"
AUDIENCE = "https://window-3.hn.example"  # the counter in Hunan that never had a connection
