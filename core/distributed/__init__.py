"""What several processes share so that N ranks compute what one computes on the joined batch."""
