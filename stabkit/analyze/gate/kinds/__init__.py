"""The judges: a module a kind of condition, found by the registry ``stabkit.kinds``."""
