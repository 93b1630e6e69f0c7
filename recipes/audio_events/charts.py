"""Which curves the report shows."""

from gestalt.core.report import Chart

CHARTS = (
    Chart("What is minimised", "loss", (("contrastive", "contrast"), ("regression", "regression"))),
    Chart(
        "Is the representation alive?",
        "share",
        (
            ("spread", "spread of vectors"),
            ("shared_objects", "objects in both views"),
            ("clusters_used", "objects used"),
        ),
        low=0.0,
    ),
    Chart("How many directions do vectors use?", "effective rank", (("effective_rank", "effective rank"),), low=0.0),
    Chart("How many events per window?", "events", (("objects_per_item", "events in the first view"),), low=0.0),
)
