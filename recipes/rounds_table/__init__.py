"""The recipe `rounds-table`: what rounds, transplants and the comparison of elements are worth."""
