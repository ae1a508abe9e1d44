"""Time, processes and chance of a simulated run: a seed replays to the last step."""
