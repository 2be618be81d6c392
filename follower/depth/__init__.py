"""Is the depth image trustworthy, and what is its scale?"""
