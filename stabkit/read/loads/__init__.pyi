from ._parts.buckets import BucketQuantiles as BucketQuantiles, bucket_quantiles as bucket_quantiles
from .prometheus import FORMAT as FORMAT, Grid as Grid, Readings as Readings, bucket_series as bucket_series
from .prometheus import readings as readings
