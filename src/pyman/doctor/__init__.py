"""What is wrong with a machine's set-up, and what mends it. Changes nothing, and opens no connection.

Begin with `checks`.
"""
