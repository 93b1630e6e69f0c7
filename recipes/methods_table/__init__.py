"""The recipe `methods-table`: all methods that see no labels, on the same data, for as long."""
