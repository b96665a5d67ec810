"""Paths: of files as people write them, and of fields within JSON documents."""
