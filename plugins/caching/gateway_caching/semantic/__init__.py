"""
Answers to questions that say nearly the same.
"""
