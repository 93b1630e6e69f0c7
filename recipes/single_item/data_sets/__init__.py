"""What is compared, for pictures, sounds and molecules."""
