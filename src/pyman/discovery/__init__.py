"""Which Python would be used: interpreters on this machine, asked and remembered.

Installs nothing. Begin with `finder`.
"""
