"""Reports of scanners that look for weaknesses in code, packages, images and settings, one format a module."""
