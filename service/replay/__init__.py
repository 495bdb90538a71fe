"""Backfills: any stretch of the raw topic through the sanitizer once more, exactly once for each job."""
