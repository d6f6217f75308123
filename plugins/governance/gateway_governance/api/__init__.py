"""
The management routes below ``/api/governance/``.

Names, codes and defaults of JSON are those of Bifrost's management API, so that scripts written
for it go on working; what it has no name for stands beside them.  Bodies are strict all the same.
"""
