"""What a project asks for: version files, requires-python; and the writing of a pin.

Runs nothing of a project. Begin with `pins`.
"""
