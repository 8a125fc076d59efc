"""Random histories of people, segments, platforms and processes, judged by a plain-Python model after every step."""
