"""Record what each table and file was made from; refuse to join what does not match."""
