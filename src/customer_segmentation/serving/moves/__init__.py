"""Customers who move between segments while a stream runs."""
