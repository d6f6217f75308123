"""
How well detectors do on labelled texts: scores, costs, and whether they got worse.
"""
