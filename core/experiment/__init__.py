"""What all recipes share: options, running and resuming, the report, the table over seeds, discovering, embedding."""
