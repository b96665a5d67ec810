"""Reading a store: its committed files through Arrow and DuckDB, and its tables by their names."""
