"""What all engines that speak SQL share: repositories over statements with names.

A repository knows which statements there are and what their rows mean; an engine has
their text in its `.sql` files and runs them (`Session`).
"""
