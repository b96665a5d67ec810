"""Reports of tests that use a product as its users do: browsers, features and tasks in words, one format a module."""
