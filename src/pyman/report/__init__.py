"""What people see: lines, bars, lists. The only user of rich.

Decides nothing. Begin with `ui`.
"""
