"""Read sources: each is landed once as text Parquet, with its hash and row numbers.

Each kind of file is one module that gives `Cells`; `recognise` picks it by the bytes. Anything
else, such as a database table, can pass its own `Cells` to `landed.write`.
"""
