"""
The tables of caching, one version after another.
"""
