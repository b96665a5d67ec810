"""What the readers of coverage share."""
