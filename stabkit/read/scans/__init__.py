"""Scan reports, one format a module."""
