"""When to learn anew, and the challenger that is tried beside the champion."""
