"""
The line of migrations of the tables ``guardrails_…``, in Alembic's form.

A migration that was released is never changed; it stands for itself and imports nothing from here.
"""
