"""What the operating system gives: the user's folders, folders held open, exchange and flush, signals.

Knows nothing of builds or stores. Begin with `filesystem`; most rests on `folder` and `stopping`.
"""
