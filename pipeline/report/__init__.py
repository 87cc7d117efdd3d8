"""One HTML page that shows what became of every clip."""
