"""The recipe `labels-table`: what few labels are worth, by method and data set."""
