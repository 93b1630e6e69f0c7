"""Components by name: what is installed, the settings that build it again, and their form in JSON."""
