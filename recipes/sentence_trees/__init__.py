"""The program `sentence-trees`: what pre-training is worth where the heads of words are learned from few trees."""
