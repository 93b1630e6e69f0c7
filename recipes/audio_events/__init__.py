"""The recipe `audio-events`: discover sound events in recordings, without labels."""
