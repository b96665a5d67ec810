from .prometheus import FORMAT, bucket_series, readings

__all__ = ["FORMAT", "bucket_series", "readings"]
