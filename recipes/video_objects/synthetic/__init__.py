"""Moving scenes of clothing on photographs, composed with truth."""
