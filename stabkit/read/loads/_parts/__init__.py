"""What several formats of load files share: requests, buckets, the documents of OTLP, verdicts of k6."""
