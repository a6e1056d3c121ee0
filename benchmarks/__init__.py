"""Spine side by side with its peers and with the limit: the bare driver of the database."""
