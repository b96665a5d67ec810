"""Files of tools that time a function or a command again and again, one format a module."""
