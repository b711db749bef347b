"""Make a bundle an environment's champion: by a whole run, through gates, or back again."""
