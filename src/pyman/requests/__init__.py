"""What a user may type: the grammar, the request, what was meant by a mistake, how a request is spelled.

Chooses nothing. Begin with `request`; `grammar` is one readable pattern.
"""
