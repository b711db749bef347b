"""Customer segmentation: who spends, who waits for offers, and what to offer whom."""

__version__ = "0.1.0"
