"""What the studies share: data, statistics, tables and measurements."""
