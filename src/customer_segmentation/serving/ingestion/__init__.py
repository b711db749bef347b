"""Order lines, customers and outcomes of campaigns, sent over HTTP, that land before the answer."""
