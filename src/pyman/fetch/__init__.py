"""A verified stream of bytes from the first source that has it. The only package that uses httpx."""

from pyman.fetch.client import hang_up
from pyman.fetch.download import Download, download, read
from pyman.fetch.sources import sources

__all__ = ["Download", "download", "hang_up", "read", "sources"]
