"""Which kinds of objects recur over a data set: clusters of object vectors, without labels."""
