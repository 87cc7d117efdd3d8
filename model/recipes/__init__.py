"""Each method's own settings and its named recipes."""
