"""What a build is called: its version, target, variant and key, and the order of preference among keys.

Looks at nothing and knows no request. Begin with `key`.
"""
