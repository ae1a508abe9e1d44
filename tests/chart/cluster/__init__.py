"""The chart on a real control plane: what an API server, the controllers and the scheduler make of it."""
