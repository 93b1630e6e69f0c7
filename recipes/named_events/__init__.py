"""An hour of soundscapes without labels, five names given to types of its events, and what a model of them finds."""
