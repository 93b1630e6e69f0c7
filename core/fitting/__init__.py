"""From a finished run and labels to answers: what a target is of, the heads that answer, how these are learned."""
