"""
From the model that a caller names to the attempts that are made.
"""
