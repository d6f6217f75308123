"""
Who is upstream: the table of vendors, and the providers that the settings make of it.
"""
