"""
Which guardrails there are, for whom they count, and what they do with what they find.
"""
