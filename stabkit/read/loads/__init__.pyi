from .prometheus import FORMAT as FORMAT, bucket_series as bucket_series, readings as readings
