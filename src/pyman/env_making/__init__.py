"""Makes a virtual environment, whole or not at all, and says how it is entered.

Touches nothing in its folder that is no environment's. Begin with `env_folder`, then `env_tool`.
"""
