"""What came of campaigns, as it is told: kept once, and joined to what was predicted and sent."""
