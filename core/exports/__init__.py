"""What was learned, in the forms that other libraries open: programs, weights, folders of models, a model card."""
