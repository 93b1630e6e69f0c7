"""A small distribution beside gestalt: one component of each sort, in its smallest complete form."""
