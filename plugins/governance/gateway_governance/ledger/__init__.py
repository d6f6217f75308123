"""
The ledger: budgets that cannot be overspent, however many workers there are and whoever dies.
"""
