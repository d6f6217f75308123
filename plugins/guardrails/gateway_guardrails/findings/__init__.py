"""
What guardrails found: written down beside the way of requests, kept for a while, never a text.
"""
