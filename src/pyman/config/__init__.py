"""Settings: which there are, the files that a user and a site write them into, and who has the say.

Variables win over the user's file, that over the site's, unless the site has fixed a setting. Begin with
`layers`.
"""
