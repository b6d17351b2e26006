"""A whole federation on one machine: who is in it, its folders, its services, its set-up."""
