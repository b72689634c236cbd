"""``http11 inspect``: which byte is wrong, by which rule, and what others would do.

`sources` has the bytes, `reading` makes records of them, and the views show those. `command` ties them together.
"""
