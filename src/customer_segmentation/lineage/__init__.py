"""What each table and file was made from, and that what does not belong together is not joined."""
