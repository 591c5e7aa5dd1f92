"""What this machine is: its target, and how that was found out.

Reads the system's own programs and never trusts the Python that runs pyman. Begin with `detection`.
"""
