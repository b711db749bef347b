"""Order lines, visits and customer records that are sent over HTTP, and land before the answer."""
