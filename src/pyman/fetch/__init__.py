"""A verified stream of bytes from the first source that has it. The only package that uses httpx."""
