"""Text files as people have them: their encoding, their lines, and the rows of tables, all from what the files hold."""
