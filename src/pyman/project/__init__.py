"""What a project asks for: version files, also of other tools, requires-python; and the writing of a pin.

Runs nothing of a project. Begin with `project_request`.
"""
