"""The fixture ``stabkit_measure`` of pytest: what tests time becomes a record that stabkit reads."""
