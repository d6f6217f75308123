"""
Checks of numbers: digits and letters, without their punctuation, in capitals.

Each says whether a value may be one of its kind; none looks at the text around it.
"""
