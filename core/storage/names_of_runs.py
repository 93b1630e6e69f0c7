"""The names of the files that a run's folder holds."""

CONFIG = "config.json"
WEIGHTS = "model.safetensors"
OPTIONS = "options.json"
METRICS = "metrics.csv"
REPORT = "report.html"
KEPT_OPTIONS = "recipe.json"
RECORD = "data.json"
ENDED = "training.json"
SEEN = "seen.json"

WRITTEN = (CONFIG, WEIGHTS, METRICS, REPORT, KEPT_OPTIONS, RECORD, ENDED, SEEN)
"""What a run writes behind its options: where these are missing, such files are another's."""
