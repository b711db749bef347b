"""What clouds and BI tools run: all below `deploy/` that is made of the Kedro project."""
