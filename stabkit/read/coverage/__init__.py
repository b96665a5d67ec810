"""Coverage reports, one format a module."""
