"""The published methods, and the learner, objectives and parts that they are made of."""
