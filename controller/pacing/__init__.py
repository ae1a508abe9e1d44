"""When the cloud is asked: its rate limits, and how often an action is looked at."""
