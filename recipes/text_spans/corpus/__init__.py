"""The shipped sentences of the recipe text-spans, and the grammar that names their groups of words."""
