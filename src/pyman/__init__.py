"""pyman: a Python version manager that installs the right build and explains itself."""

__version__ = "0.1.0"
