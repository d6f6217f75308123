"""
The ledger: budgets that cannot be overspent, however many workers there are and whoever dies.

`meters` names what is limited.  `layout` says where each integer stands in the pool's file, `cells`
changes several of them at once or not at all, `pool` holds and settles on them, `rows` does to
them what is rare, `sweep` clears up after a dead worker.  `journal` writes settlements down before
they count, `authority` keeps what must survive the machine (`sqlite` is one).  `ledger` is what
the rest of the plugin talks to.
"""
