"""One door in: each source is landed once, as text Parquet with its hash and its rows' numbers.

A kind of file is one module that gives `Cells`; `recognise` tells which by the bytes. What is no
file, such as a database's table, gives its own `Cells` to `landed.write`.
"""
