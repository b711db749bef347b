"""The campaign that was planned last, planned again with other costs, values and limits."""
