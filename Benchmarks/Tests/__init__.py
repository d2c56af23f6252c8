"""Tests of the load generator and of the harness: `make bench-test`."""
